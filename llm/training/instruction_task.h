// SPDX-License-Identifier: MIT
//
// Fine-tuning as a task of the trainer: examples or preference pairs, the part
// of the model that changes, and what is saved: an adapter when the model has
// one, else the whole model.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "llm/data/instructions.h"
#include "llm/tokenizers/tokenizer.h"
#include "llm/tokenizers/tokenizer_info.h"
#include "llm/training/adapters.h"
#include "llm/training/dpo.h"
#include "llm/training/task.h"
#include "llm/training/train_config.h"

namespace llm {

/** What fine-tuning starts from, unlike training from nothing: few steps, small
 * batches, a short warm-up, no decay towards zero. */
TrainConfig tune_defaults();

/** What is learned, and how examples become batches. */
struct TuneConfig {
  std::string objective = "sft"; ///< imitate examples, or "dpo": prefer
  float beta = 0.1f;             ///< dpo: how near to the model before
  bool packing = false;          ///< several examples in a row
  bool shuffle = true;
  bool count_padding = false; ///< as mlx-lm's loss does
};

/** Encoded examples that are not trained on, or pairs when it is dpo. */
struct HeldOut {
  std::vector<Encoded> examples;
  std::vector<EncodedPair> pairs;
};

/** Encodes `data` and sets batches, loss and, when something is held out,
 * evaluate of a task. `model`, the tokenizer of `rules` and `train` must
 * outlive it. UsageError for another objective. */
HeldOut learn_from(
    TrainTask& task,
    const InstructionData& data,
    const EncodeRules& rules,
    const LanguageModel& model,
    const TuneConfig& tune,
    const TrainConfig& train);

/** The batches of a training run on examples, and the held-out ones. */
struct InstructionParts {
  std::vector<Encoded> train, validation;
  bool packing = false;
  bool shuffle = true;
  bool count_padding = false;
};

/** Sets batches, loss and, when something is held out, evaluate of a task.
 * `config` and `tokenizer` must outlive it. */
void learn_examples(
    TrainTask& task,
    InstructionParts parts,
    const Tokenizer& tokenizer,
    const TrainConfig& config);

/** Preference pairs; the reference is `model` as it is now. */
struct PreferenceParts {
  std::vector<EncodedPair> train, validation;
  float beta = 0.1f;
};
void learn_preferences(
    TrainTask& task,
    PreferenceParts parts,
    const LanguageModel& model,
    const TrainConfig& config);

/** The parameters of the last `layers` blocks and what stands after them (the
 * last norm, an untied head); layers below 1: all parameters. */
nn::PathFilter last_layers(const LanguageModel& model, int layers);

/** Sets trainable, save, is_saved and load to the model's adapters. `model`
 * must outlive the task. `about` goes into adapter_config.json. */
void train_adapters(
    TrainTask& task,
    LanguageModel& model,
    const AdapterConfig& config,
    const Json& about);

/** The same for the weights of the model that `trainable` selects; `info` is
 * saved with them. UsageError when the model is quantized. */
void train_weights(
    TrainTask& task,
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const nn::PathFilter& trainable,
    const TokenizerInfo& info = {});

} // namespace llm
