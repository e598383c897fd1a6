// SPDX-License-Identifier: MIT

#include "llm/nn/joined.h"

#include <algorithm>

#include <mlx/transforms.h>

namespace llm::nn {

namespace {

/** The arrays of a layer, each with a row for each output. */
template <class L, class F>
void for_each_array(L& layer, const F& f) {
  f(layer.weight);
  if (layer.bias) {
    f(*layer.bias);
  }
  if (layer.quantization) {
    f(layer.quantization->scales);
    f(layer.quantization->biases);
  }
}

/** What must be equal for two layers to be joined. */
std::vector<int> kind(const Linear& layer) {
  std::vector<int> out = {layer.in(), layer.bias.has_value()};
  if (const auto& q = layer.quantization) {
    out.insert(out.end(), {q->bits, q->group_size});
  }
  for_each_array(layer, [&](const mx::array& a) {
    out.push_back(static_cast<int>(a.dtype().val()));
  });
  return out;
}

mx::array rows(const mx::array& a, int begin, int end) {
  mx::Shape from(a.ndim(), 0), to = a.shape();
  from[0] = begin;
  to[0] = end;
  return mx::slice(a, from, to);
}

} // namespace

void Joined::join(const std::vector<Linear*>& layers) {
  *this = {};
  for (const Linear* layer : layers) {
    if (layer->lora || kind(*layer) != kind(*layers[0])) {
      return;
    }
  }
  Linear all = *layers[0];
  std::vector<std::vector<mx::array>> lists;
  for (Linear* layer : layers) {
    size_t i = 0;
    for_each_array(*layer, [&](const mx::array& a) {
      lists.resize(std::max(lists.size(), i + 1));
      lists[i++].push_back(a);
    });
  }
  size_t i = 0;
  std::vector<mx::array> made;
  for_each_array(all, [&](mx::array& a) {
    a = mx::concatenate(lists[i++], 0);
    made.push_back(a);
  });
  mx::eval(made);
  int begin = 0;
  for (Linear* layer : layers) {
    const int end = begin + layer->out();
    std::vector<mx::array> parts;
    for (const mx::array& a : made) {
      parts.push_back(rows(a, begin, end));
    }
    mx::eval(parts);
    auto it = parts.begin();
    for_each_array(*layer, [&](mx::array& a) {
      a = *it++;
      parts_.push_back(a);
    });
    begin = end;
    ends_.push_back(end);
  }
  ends_.pop_back();
  all_.push_back(all);
}

bool Joined::holds(const mx::array& x, const std::vector<const Linear*>& layers)
    const {
  if (all_.empty() || x.size() != static_cast<size_t>(x.shape(-1))) {
    return false;
  }
  auto it = parts_.begin();
  bool same = true;
  for (const Linear* layer : layers) {
    same = same && !layer->lora;
    for_each_array(*layer, [&](const mx::array& a) {
      same = same && it != parts_.end() && it++->id() == a.id();
    });
  }
  return same && it == parts_.end();
}

} // namespace llm::nn
