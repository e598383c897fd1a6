// SPDX-License-Identifier: MIT

#include "llm/kernels/cuda_gpt.h"

#include <memory>
#include <optional>
#include <vector>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/kernels/cuda_kernel.h"
#include "llm/kernels/cuda_norm.h"
#include "llm/kernels/cuda_parts.h"

namespace llm::kernels {

namespace {

using Arrays = std::vector<mx::array>;

/** Calls f with every weight, always in the same order. */
void for_each_weight(CudaGPT& model, const auto& f) {
  f(model.wte);
  f(model.wpe);
  for (CudaGPTBlock& b : model.blocks) {
    for (mx::array* a :
         {&b.ln_1, &b.attention, &b.attention_out, &b.ln_2, &b.up, &b.down}) {
      f(*a);
    }
  }
  f(model.ln_f);
}

Arrays weights_of(CudaGPT model) {
  Arrays out;
  for_each_weight(model, [&](const mx::array& a) { out.push_back(a); });
  return out;
}

CudaGPT with_weights(CudaGPT model, const Arrays& weights) {
  auto it = weights.begin();
  for_each_weight(model, [&](mx::array& a) { a = *it++; });
  return model;
}

/** What the way back needs of the way there; N = B L rows. */
struct KeptBlock {
  mx::array x, n1, s1, qkv, y, lse, h, n2, s2, f, g;
};
struct Kept {
  std::vector<KeptBlock> blocks;
  Arrays end; // what the last norm reads [N, C], and its rows' numbers [N, 2]
};

/** x [N, K] times w [M, K] transposed. */
mx::array product(const mx::array& x, const mx::array& w) {
  return mx::matmul(x, mx::transpose(w));
}

/** The gradient of w there, [M, K]. */
mx::array of_weight(const mx::array& dy, const mx::array& x) {
  return mx::matmul(mx::transpose(dy), x);
}

class Body {
 public:
  /** ids [N], keys and probabilities of `model`. */
  Body(const mx::array& ids, int batch, const CudaGPT& model)
      : ids_(ids), model_(model) {
    const int C = model.wte.shape(1);
    s_ = {batch, static_cast<int>(ids.size()) / batch, C, model.heads};
  }

  /** -> [N, C] */
  mx::array forward(const Arrays& weights, Kept& kept) const {
    const CudaGPT m = with_weights(model_, weights);
    mx::array x = embed(ids_, m.wte, m.wpe, m.of_embedding, s_.L);
    Arrays n = norm_forward(x, m.blocks[0].ln_1, {}, m.eps);
    for (size_t i = 0; i < m.blocks.size(); ++i) {
      const CudaGPTBlock& b = m.blocks[i];
      const mx::array qkv = product(n[0], b.attention); // [N, 3 C]
      const Arrays y = attention_forward(qkv, s_, b.of_weights);
      const Arrays n2 = add_norm_forward(
          x, product(y[0], b.attention_out), b.of_attention, b.ln_2, m.eps);
      const mx::array& h = n2[2];
      const mx::array f = product(n2[0], b.up); // [N, 4 C]
      const mx::array g = gelu_forward(f);
      const bool last = i + 1 == m.blocks.size();
      const mx::array& norm = last ? m.ln_f : m.blocks[i + 1].ln_1;
      const Arrays next =
          add_norm_forward(h, product(g, b.down), b.of_mlp, norm, m.eps);
      kept.blocks.push_back(
          {x, n[0], n[1], qkv, y[0], y[1], h, n2[0], n2[1], f, g});
      x = next[2];
      n = next;
    }
    kept.end = {x, n[1]};
    return n[0];
  }

  /** The gradients of all weights. */
  Arrays backward(const Arrays& weights, const mx::array& dy, const Kept& kept)
      const {
    const CudaGPT m = with_weights(model_, weights);
    CudaGPT d = m;
    Arrays parts; // of the norms' gradients, the last norm's first
    const auto norm = [&](const mx::array& x,
                          const mx::array& weight,
                          const mx::array& stats,
                          const mx::array& dn,
                          const std::optional<mx::array>& more,
                          const Dropping& before) {
      NormGradients g =
          norm_backward(x, weight, stats, dn, false, more, before);
      parts.push_back(g.parts);
      return g;
    };
    NormGradients g =
        norm(kept.end[0], m.ln_f, kept.end[1], dy, {}, m.blocks.back().of_mlp);
    for (size_t i = m.blocks.size(); i-- > 0;) {
      const CudaGPTBlock& b = m.blocks[i];
      const KeptBlock& k = kept.blocks[i];
      const mx::array dm = g.dropped;
      const mx::array df = gelu_backward(k.f, mx::matmul(dm, b.down));
      g = norm(k.h, b.ln_2, k.s2, mx::matmul(df, b.up), g.dx, b.of_attention);
      const mx::array da = g.dropped;
      const mx::array dqkv = attention_backward(
          k.qkv, k.lse, k.y, mx::matmul(da, b.attention_out), s_, b.of_weights);
      const Dropping& before = i > 0 ? m.blocks[i - 1].of_mlp : m.of_embedding;
      g = norm(k.x, b.ln_1, k.s1, mx::matmul(dqkv, b.attention), g.dx, before);
      CudaGPTBlock& to = d.blocks[i];
      to.attention = of_weight(dqkv, k.n1);
      to.attention_out = of_weight(da, k.y);
      to.up = of_weight(df, k.n2);
      to.down = of_weight(dm, k.g);
    }
    d.wte = rows_gradient(ids_, g.dropped, m.wte.shape(0));
    d.wpe = of_positions(g.dropped, m.wpe);
    const Arrays sums = column_sums(parts);
    auto it = sums.begin();
    d.ln_f = *it++;
    for (size_t i = m.blocks.size(); i-- > 0;) {
      d.blocks[i].ln_2 = *it++;
      d.blocks[i].ln_1 = *it++;
    }
    return weights_of(d);
  }

 private:
  /** dx [N, C] -> the gradient of wpe [positions, C]. */
  mx::array of_positions(const mx::array& dx, const mx::array& wpe) const {
    const mx::array sums = mx::sum(mx::reshape(dx, {s_.B, s_.L, s_.C}), 0);
    const int more = wpe.shape(0) - s_.L;
    return more == 0 ? sums : mx::pad(sums, {{0, more}, {0, 0}});
  }

  mx::array ids_;
  CudaGPT model_;
  AttentionSizes s_;
};

} // namespace

bool usable_cuda_gpt(const mx::array& tokens, const CudaGPT& m) {
  if (tokens.ndim() != 2 || m.wte.ndim() != 2 || m.blocks.empty() ||
      !usable_on_cuda({m.wte, m.wpe})) {
    return false;
  }
  const int C = m.wte.shape(1), L = tokens.shape(1);
  for (const CudaGPTBlock& b : m.blocks) {
    if (b.up.shape() != mx::Shape{4 * C, C} ||
        !usable_on_cuda(
            {b.ln_1, b.attention, b.attention_out, b.ln_2, b.up, b.down})) {
      return false;
    }
  }
  return C == 64 * m.heads && L > 0 && L % 64 == 0 && L <= m.wpe.shape(0) &&
      tokens.size() * static_cast<size_t>(C) < (1u << 29) &&
      usable_cuda_norm(m.wte, m.ln_f, std::nullopt);
}

mx::array cuda_gpt(const mx::array& tokens, const CudaGPT& model) {
  const int B = tokens.shape(0), L = tokens.shape(1);
  const mx::array ids = mx::reshape(mx::astype(tokens, mx::int32), {B * L});
  const Body body(ids, B, model);
  const auto kept = std::make_shared<Kept>();
  // What is kept are nodes of the same graph: no outputs, which MLX would wrap.
  const auto run = [body, kept](const Arrays& in) {
    return Arrays{body.forward(in, *kept)};
  };
  const auto gradient =
      [body, kept](const Arrays& in, const Arrays& cotangents, const Arrays&) {
        return body.backward(in, cotangents[0], *kept);
      };
  const mx::array out = mx::custom_vjp(run, gradient)(weights_of(model))[0];
  return mx::reshape(out, {B, L, model.wte.shape(1)});
}

} // namespace llm::kernels
