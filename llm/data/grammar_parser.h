// SPDX-License-Identifier: MIT
//
// Reads the notation of grammar.h: private to llm/data. A plot's text becomes a
// tree of items, then, from its end to its start, the nodes of a graph.

#pragma once

#include <string>
#include <string_view>

#include "llm/data/grammar.h"

namespace llm {

/** Compiles one plot with the grammar's shared lists and fragments. */
Plot compile_plot(const PlotText& plot, const GrammarText& grammar);

} // namespace llm
