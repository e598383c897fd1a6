// SPDX-License-Identifier: MIT
//
// Intel's and AMD's instructions by name, for those that Highway 1.0 does not
// know. Include it on x86 alone.

#pragma once

// GCC 12 takes the undefined registers of its own header for a mistake.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>
