// SPDX-License-Identifier: MIT

#include "llm/models/usable_model.h"

#include <mlx/device.h>

#include "llm/io/model_source.h"
#include "llm/models/load.h"
#include "llm/tokenizers/chat_template.h"

namespace llm {

std::vector<int32_t> UsableModel::encode(const Json& messages) const {
  if (chat) {
    return tokenizer->encode(chat(messages), {.special = true});
  }
  std::string text;
  for (const Json& message : messages) {
    text += (text.empty() ? "" : "\n") + message["content"].get<std::string>();
  }
  return tokenizer->encode(text, {.add_special = true});
}

UsableModel load_for_use(const std::string& name, bool offline) {
  return load_usable(resolve_model(name, offline));
}

UsableModel load_usable(const std::filesystem::path& path) {
  UsableModel out;
  out.path = path;
  ModelFolder loaded = load_model(path);
  out.model = std::move(loaded.model);
  if (mx::default_device() == mx::Device::gpu) {
    out.model->join();
  }
  out.tokenizer = std::move(loaded.tokenizer);
  out.info = std::move(loaded.info);
  out.eos = out.info.eos;
  if (!out.info.chat_template.empty()) {
    out.chat = [info = out.info](const Json& messages) {
      return render_chat(
          info.chat_template,
          messages,
          {.bos_token = info.bos_token, .eos_token = info.eos_token});
    };
  }
  return out;
}

} // namespace llm
