// SPDX-License-Identifier: MIT

#include "llm/kernels/cuda_update.h"

#include <algorithm>
#include <cstring>
#include <sstream>
#include <string>

#include <mlx/ops.h>

namespace llm::kernels {

namespace {

constexpr int kThreads = 256, kBlock = 4096; // values of a block
// Arrays of a kernel that only reads them, and of one that makes as many: each
// output holds all inputs and all other outputs, which costs the host time.
constexpr size_t kMost = 100, kMostMade = 8;

std::string text_of(float x) {
  std::ostringstream out;
  int bits;
  std::memcpy(&bits, &x, sizeof bits);
  out << "__int_as_float(" << bits << ")";
  return out.str();
}

/** The texts of a kernel that goes through several arrays: to which one a block
 * belongs is known when the kernel is compiled. */
struct Walk {
  std::vector<std::string> inputs, outputs;
  std::string choose; // sets `base` and `n`, and what `at` says for the array
  int blocks = 0;
};

/** `in` and `out` name the lists; `at(i)` is text for array i. */
template <class At>
Walk walk(
    const std::vector<mx::array>& arrays,
    const std::vector<std::string>& in,
    const std::vector<std::string>& out,
    const At& at) {
  Walk w;
  std::ostringstream choose;
  for (size_t i = 0; i < arrays.size(); ++i) {
    const int first = w.blocks;
    w.blocks += static_cast<int>((arrays[i].size() + kBlock - 1) / kBlock);
    choose << (i > 0 ? "  else " : "  ") << "if (blockIdx.x < " << w.blocks
           << ") { base = (blockIdx.x - " << first << ") * " << kBlock
           << "l; n = " << arrays[i].size() << "; ";
    for (const std::vector<std::string>* names : {&in, &out}) {
      for (const std::string& name : *names) {
        choose << "a_" << name << " = " << name << i << "; ";
      }
    }
    choose << at(i) << " }\n";
  }
  for (const std::string& name : in) {
    for (size_t i = 0; i < arrays.size(); ++i) {
      w.inputs.push_back(name + std::to_string(i));
    }
  }
  for (const std::string& name : out) {
    for (size_t i = 0; i < arrays.size(); ++i) {
      w.outputs.push_back(name + std::to_string(i));
    }
  }
  w.choose = choose.str();
  return w;
}

const char* type_name(const mx::array& a) {
  return a.dtype() == mx::bfloat16 ? "bf16" : "float";
}

std::vector<mx::Shape> shapes(const std::vector<mx::array>& arrays) {
  std::vector<mx::Shape> out;
  for (const mx::array& a : arrays) {
    out.push_back(a.shape());
  }
  return out;
}

std::vector<mx::array>
part(const std::vector<mx::array>& all, size_t from, size_t n) {
  return {all.begin() + from, all.begin() + from + n};
}

constexpr const char* none = "";
const auto nothing = [](size_t) { return none; };

} // namespace

std::vector<mx::array> cuda_cast(const std::vector<mx::array>& arrays) {
  std::vector<mx::array> out;
  for (size_t i = 0; i < arrays.size(); i += kMostMade) {
    const auto some = part(arrays, i, std::min(kMostMade, arrays.size() - i));
    const Walk w = walk(some, {"x"}, {"y"}, nothing);
    const CudaKernel kernel(
        "cast",
        w.inputs,
        w.outputs,
        "  const float* a_x; bf16* a_y; long base, n;\n" + w.choose + R"(
  const long end = min(base + 4096l, n);
  for (long i = base + threadIdx.x; i < end; i += 256) {
    a_y[i] = rounded(a_x[i]);
  }
)");
    const auto y = kernel(
        some,
        shapes(some),
        std::vector<mx::Dtype>(some.size(), mx::bfloat16),
        {w.blocks, 1, 1},
        kThreads,
        {});
    out.insert(out.end(), y.begin(), y.end());
  }
  return out;
}

mx::array cuda_squares(const std::vector<mx::array>& arrays) {
  std::vector<mx::array> sums;
  for (size_t i = 0; i < arrays.size(); i += kMost) {
    const auto some = part(arrays, i, std::min(kMost, arrays.size() - i));
    const std::string type = type_name(some[0]);
    const Walk w = walk(some, {"x"}, {}, nothing);
    const CudaKernel kernel(
        "squares",
        w.inputs,
        {"sums"},
        "  const " + type + "* a_x; long base, n;\n" + w.choose + R"(
  const long end = min(base + 4096l, n);
  float sum = 0;
  for (long i = base + threadIdx.x; i < end; i += 256) {
    const float x = static_cast<float>(a_x[i]);
    sum += x * x;
  }
  __shared__ float s_sums[8];
  sum = warp_sum(sum);
  if ((threadIdx.x & 31) == 0) s_sums[threadIdx.x >> 5] = sum;
  __syncthreads();
  if (threadIdx.x == 0) {
    float total = 0;
    for (int i = 0; i < 8; ++i) total += s_sums[i];
    sums[blockIdx.x] = total;
  }
)");
    sums.push_back(mx::sum(kernel(
        some, {{w.blocks}}, {mx::float32}, {w.blocks, 1, 1}, kThreads, {})[0]));
  }
  return sums.size() == 1 ? sums[0] : mx::sum(mx::stack(sums));
}

std::vector<mx::array> cuda_adamw(
    const std::vector<mx::array>& in,
    const CudaAdamW& settings) {
  const size_t n = settings.decays.size();
  const auto parameters = part(in, 0, n);
  const Walk w =
      walk(parameters, {"p", "g", "m", "v"}, {"op", "om", "ov"}, [&](size_t i) {
        return "decay = " + text_of(settings.decays[i]) + ";";
      });
  std::vector<std::string> inputs = w.inputs;
  for (const char* name : {"lr_of", "c1_of", "c2_of", "scale_of", "good_of"}) {
    inputs.push_back(name);
  }
  const std::string constants =
      "  const float beta1 = " + text_of(settings.beta1) +
      ", beta2 = " + text_of(settings.beta2) +
      ", eps = " + text_of(settings.eps) + ";\n";
  const CudaKernel kernel(
      "adamw",
      inputs,
      w.outputs,
      "  const float *a_p, *a_m, *a_v; float *a_op, *a_om, *a_ov;\n  const " +
          std::string(type_name(in[n])) +
          "* a_g; long base, n; float decay;\n" + constants + w.choose + R"(
  const long end = min(base + 4096l, n);
  const float lr = *lr_of, scale = *scale_of;
  const bool good = *good_of != 0;
  const float c1 = 1 / *c1_of, c2 = 1 / *c2_of;
  for (long i = base + threadIdx.x; i < end; i += 256) {
    const float g = static_cast<float>(a_g[i]) * scale;
    const float p = a_p[i], m = a_m[i], v = a_v[i];
    const float nm = beta1 * m + (1 - beta1) * g;
    const float nv = beta2 * v + (1 - beta2) * g * g;
    const float step = (nm * c1) / (sqrtf(nv * c2) + eps);
    const float np = p * (1 - lr * decay) - lr * step;
    a_op[i] = good ? np : p;
    a_om[i] = good ? nm : m;
    a_ov[i] = good ? nv : v;
  }
)");
  std::vector<mx::Shape> to;
  for (int list = 0; list < 3; ++list) {
    const auto more = shapes(parameters);
    to.insert(to.end(), more.begin(), more.end());
  }
  return kernel(
      in,
      to,
      std::vector<mx::Dtype>(3 * n, mx::float32),
      {w.blocks, 1, 1},
      kThreads,
      {});
}

} // namespace llm::kernels
