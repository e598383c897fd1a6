// SPDX-License-Identifier: MIT

#include "llm/inspect/distribution.h"

#include <algorithm>
#include <cmath>

#include "llm/core/top_k.h"

namespace llm::inspect {

std::vector<double> probabilities(const mx::array& logits) {
  const float* x = logits.data<float>();
  const size_t n = logits.size();
  const double top = *std::max_element(x, x + n);
  std::vector<double> out(n);
  double sum = 0;
  for (size_t i = 0; i < n; ++i) {
    out[i] = std::exp(x[i] - top);
    sum += out[i];
  }
  for (double& p : out) {
    p /= sum;
  }
  return out;
}

double entropy(const std::vector<double>& p) {
  double sum = 0;
  for (const double x : p) {
    sum -= x > 0 ? x * std::log(x) : 0;
  }
  return sum;
}

int rank(const std::vector<double>& p, int32_t id) {
  int out = 1;
  for (int32_t i = 0; i < static_cast<int32_t>(p.size()); ++i) {
    out += p[i] > p[id] || (p[i] == p[id] && i < id);
  }
  return out;
}

std::vector<TokenProbability> likeliest(const std::vector<double>& p, int k) {
  std::vector<TokenProbability> out;
  for (const int32_t id : top_k(p.data(), static_cast<int>(p.size()), k)) {
    if (p[id] > 0) {
      out.push_back({id, static_cast<float>(p[id])});
    }
  }
  return out;
}

double kl(const std::vector<double>& p, const std::vector<double>& q) {
  double sum = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    if (p[i] > 0) {
      sum += p[i] * std::log(p[i] / std::max(q[i], 1e-300));
    }
  }
  return sum;
}

} // namespace llm::inspect
