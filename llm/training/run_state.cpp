// SPDX-License-Identifier: MIT

#include "llm/training/run_state.h"

#include "llm/core/error.h"
#include "llm/core/sha256.h"
#include "llm/models/load.h"

namespace llm {

namespace {

// "config/lr was 0.001 and is 0.002, ..." for every field that differs, or "".
std::string differences(const Json& then, const Json& now) {
  const Json a = then.flatten();
  const Json b = now.flatten();
  std::string text;
  auto add = [&](const std::string& key, const Json& x, const Json& y) {
    text += (text.empty() ? "" : ", ") + key.substr(1) + " was " + x.dump() +
        " and is " + y.dump();
  };
  for (const auto& [key, value] : a.items()) {
    const Json other = b.contains(key) ? b[key] : Json(nullptr);
    if (value != other) {
      add(key, value, other);
    }
  }
  for (const auto& [key, value] : b.items()) {
    if (!a.contains(key)) {
      add(key, nullptr, value);
    }
  }
  return text;
}

} // namespace

bool RunState::note_val_loss(double val_loss) {
  if (best && !(val_loss < *best)) {
    ++worse;
    return false;
  }
  best = val_loss;
  best_step = step;
  worse = 0;
  return true;
}

std::string RunState::to_text(int steps) const {
  std::string text = "- Steps: " + std::to_string(step) + " of " +
      std::to_string(steps) +
      "\n- Training loss (last batch): " + std::to_string(last_loss) +
      " nats per token\n";
  if (best) {
    text += "- Validation loss (sampled): " + std::to_string(*best) +
        " nats per token\n";
  }
  return text;
}

Json run_identity(
    const TrainConfig& config,
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const Json& data) {
  Json all = {{"config", config.to_json()}, {"model", model.config()}};
  all["tokenizer"] = {{"sha256", sha256_hex(tokenizer_json_text(tokenizer))}};
  all["data"] = data;
  return all;
}

bool is_same_run(
    const Checkpoint& checkpoint,
    const Json& identity,
    const std::filesystem::path& out,
    bool force) {
  const std::string text =
      differences(checkpoint.trainer["identity"], identity);
  if (!text.empty() && !force) {
    throw InputError(
        "train",
        "the run in " + out.string() +
            " was made with other settings: " + text +
            "; use those, or start a new run with another --out, or accept "
            "the change with --force.");
  }
  return text.empty();
}

Checkpoint to_checkpoint(const RunState& state, const Json& identity) {
  Checkpoint c;
  c.step = state.step;
  c.parameters = state.arrays.parameters;
  c.optimizer = state.arrays.optimizer;
  c.trainer = {
      {"identity", identity},
      {"metrics_bytes", state.metrics_bytes},
      {"tokens", state.tokens},
      {"seconds", state.seconds},
      {"last_loss", state.last_loss},
      {"best_step", state.best_step},
      {"worse", state.worse}};
  c.trainer["best"] = state.best ? Json(*state.best) : Json(nullptr);
  return c;
}

RunState from_checkpoint(
    const Checkpoint& checkpoint,
    const TrainState& expected) {
  const std::string where = "checkpoint";
  nn::check_same_names_and_shapes(
      expected.parameters, checkpoint.parameters, where);
  nn::check_same_names_and_shapes(
      expected.optimizer, checkpoint.optimizer, where);
  const Json& trainer = checkpoint.trainer;
  RunState state;
  state.arrays = {checkpoint.parameters, checkpoint.optimizer};
  state.step = checkpoint.step;
  state.tokens = json_get<int64_t>(trainer, "tokens", where);
  state.seconds = json_get<double>(trainer, "seconds", where);
  state.last_loss = json_get<double>(trainer, "last_loss", where);
  state.best_step = json_get<int64_t>(trainer, "best_step", where);
  state.worse = json_get<int>(trainer, "worse", where);
  state.metrics_bytes = json_get<int64_t>(trainer, "metrics_bytes", where);
  if (!trainer["best"].is_null()) {
    state.best = json_get<double>(trainer, "best", where);
  }
  return state;
}

} // namespace llm
