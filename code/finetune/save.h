// SPDX-License-Identifier: MIT
//
// finetune_llm fuse and convert: a model folder made from another model.

#pragma once

#include <iostream>

#include "code/finetune/model.h"
#include "llm/core/lock_file.h"

namespace llm {

/** A folder for a new model: it must not hold one. */
inline std::filesystem::path new_folder(const TuneOptions& o) {
  const std::filesystem::path out = o.out;
  if (holds_model(out) || holds_adapter(out)) {
    throw UsageError(
        "out",
        out.string() + " holds a model already; choose another with --out.");
  }
  ensure_folder(out);
  return out;
}

inline int saved(
    const TuneOptions& o,
    const std::filesystem::path& out,
    const LanguageModel& model) {
  std::cout << "saved in " << out.string() << "\n";
  if (o.json) {
    std::cout
        << Json{{"out", out.string()}, {"parameters", parameter_count(model)}}
               .dump()
        << "\n";
  }
  return 0;
}

inline int run_fuse(TuneOptions& o) {
  if (o.adapter.empty()) {
    throw UsageError("fuse", "expected --adapter, the folder of an adapter.");
  }
  TunedModel m = load_tuned(o, o.model, o.adapter);
  const std::filesystem::path out = new_folder(o);
  const LockFile lock(out, "fuse");
  if (o.peft) {
    save_peft(*m.model, read_adapter_config(o.adapter), name_of(m), out);
    return saved(o, out, *m.model);
  }
  if (o.dequantize) { // before, so that nothing is rounded twice
    dequantize_model(*m.model);
  }
  fuse_adapters(*m.model);
  save_model_folder(
      out,
      *m.model,
      *m.tokenizer,
      "# " + name_of(m) +
          " with an adapter in its weights\n\nMade with MLX LLM Tutorial "
          "(C++ on MLX).\n",
      real_files(),
      m.info);
  return saved(o, out, *m.model);
}

inline int run_convert(TuneOptions& o) {
  TunedModel m = load_tuned(o, o.model, o.adapter);
  if (o.dequantize && o.bits != 0) {
    throw UsageError(
        "convert", "expected --quantize or --dequantize but received both.");
  }
  if (o.dequantize) {
    dequantize_model(*m.model);
  }
  fuse_adapters(*m.model);
  if (o.bits != 0) {
    for (const auto& path : quantize_model(*m.model, o.group_size, o.bits)) {
      std::cerr << "note: " << path << " stays as it is: its rows have no "
                << "whole groups of " << o.group_size << "\n";
    }
  }
  const std::filesystem::path out = new_folder(o);
  const LockFile lock(out, "convert");
  save_model_folder(
      out,
      *m.model,
      *m.tokenizer,
      "# " + name_of(m) + "\n\nConverted with MLX LLM Tutorial (C++ on MLX).\n",
      real_files(),
      m.info);
  return saved(o, out, *m.model);
}

} // namespace llm
