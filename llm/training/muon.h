// SPDX-License-Identifier: MIT
//
// What is special about Muon (K. Jordan 2024, "Muon: an optimizer for hidden
// layers in neural networks"): the momentum of a weight matrix is replaced by
// the nearest orthogonal matrix, so that all directions of the update have the
// same size, also those that the gradient rarely points to. The matrices where
// this is meant are those that map one hidden vector to another.

#pragma once

#include <string>

#include <mlx/array.h>

namespace mx = mlx::core;

namespace llm {

/**
 * True where Muon orthogonalizes: a matrix (2-D) inside the network, that is
 * none of whose path components is an embedding or the output head ("wte",
 * "wpe", "head", "lm_head", or a name with "embed" in it). All else, norms
 * and biases too, is updated by AdamW.
 */
bool uses_muon(const std::string& path, const mx::array& parameter);

/** Entries of an update have this root mean square, times the learning rate:
 * about that of AdamW's, so that one rate fits both (Liu et al., 2502.16982).
 * An orthogonal [A, B] has 1 / sqrt(max(A, B)). */
inline constexpr float muon_rms = 0.2f;

/** A step moves every singular value s to a s + b s^3 + c s^5; K. Jordan chose
 * a, b, c for speed, not for a limit. */
inline constexpr float newton_schulz[3] = {3.4445f, -4.7750f, 2.0315f};

/**
 * Nearest (semi-)orthogonal matrix to `x` [rows, cols], roughly: all singular
 * values end between 0.7 and 1.2, by Newton-Schulz steps of matrix products.
 */
mx::array orthogonalize(const mx::array& x, int steps = 5);

} // namespace llm
