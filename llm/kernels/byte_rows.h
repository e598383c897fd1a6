// SPDX-License-Identifier: MIT
//
// Products of packed rows in whole numbers. A number q of 4 or 8 bits is a
// byte without sign, and an activation x is scaled, for each group of the
// matrix, to a whole number of one to three bytes with sign: one instruction
// (VNNI) multiplies 64 bytes and adds four products each. Sums within a group
// are exact; x loses half a step, which is 1 / 254 of the group's largest value
// with one byte, 1 / 65278 with two, and 6e-8 with three: as with float32.

#pragma once

#include <cstdint>

#include "llm/kernels/rows.h"

namespace llm::kernels {

/** Whether this processor has the instruction. */
bool has_byte_dot();

/** float16 -> float32, n numbers; on any processor. */
void halves_to_floats(const uint16_t* from, int64_t n, float* to);

/** As make_ready of rows.h: x in so many bytes, in the order in which rows of w
 * are read, with the groups' scales and sums. */
ReadyRows make_bytes(
    const float* x,
    int64_t stride,
    int64_t M,
    int64_t K,
    const MatrixRows& w,
    int bytes);

/** As products of rows.h; x of make_bytes. */
void byte_products(
    const MatrixRows& w,
    int64_t begin,
    int64_t end,
    const ReadyRows& x,
    float* y);

/** out [M, N] = x times all N rows of w, for many x: of make_bytes. Rows of out
 * do not depend on each other, but may differ in the last bits from those of
 * byte_products. */
void byte_matmul(
    const MatrixRows& w,
    int64_t N,
    const ReadyRows& x,
    float* out);

} // namespace llm::kernels
