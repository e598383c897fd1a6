// SPDX-License-Identifier: MIT
//
// What a run says about itself: the first line of metrics.jsonl (with the bars
// that the model is measured against) and the README.md of the model.

#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "llm/data/corpus.h"
#include "llm/data/ngram.h"
#include "llm/training/trainer.h"

namespace llm {

/** The ladder as a JSON list of {model, n, k, val_nats_per_char}. */
Json to_json(const std::vector<NgramResult>& ladder);

/** The same as a table for people. */
std::string to_text(const std::vector<NgramResult>& ladder);

/** A name for folders: "notes" for notes.txt and for notes/. */
std::string short_name(const Corpus& corpus);

/**
 * Describes a run on `corpus`. For character tokenizers it holds the n-gram
 * ladder, and for tiny-tales the entropy floor at `config.block` characters
 * on the validation text; both take a few seconds.
 */
RunInfo make_run_info(
    const Corpus& corpus,
    const Split& split,
    const Tokenizer& tokenizer,
    const TrainConfig& config,
    const std::string& preset_name);

/** "validation loss 0.712 (counting reaches 1.034, the floor is 0.655)": a loss
 * beside what n-grams reach and what no model can pass, where that is known. */
std::string beside_the_bars(double loss, const RunInfo& info);

/** "0.712" */
std::string three_digits(double value);

/** The corpus that the model in `folder` was trained on, as its metrics.jsonl
 * says. UsageError when it does not say. */
std::string trained_on(const std::filesystem::path& folder);

/** What every training program says at its end, by the names that scripts
 * read; losses and peak_bytes are null until the program knows them. */
Json summary_of(const TrainResult& result, const std::filesystem::path& out);

} // namespace llm
