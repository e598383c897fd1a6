// SPDX-License-Identifier: MIT

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>

#include "llm/core/files.h"
#include "llm/io/model_home.h"
#include "llm/io/model_source.h"
#include "llm/io/safetensors.h"
#include "python/bindings/bindings.h"

namespace llm::python {

void init_io(nb::module_& m) {
  m.def(
      "tutorial_home",
      &tutorial_home,
      "$MLX_TUTORIAL_HOME, else ~/ai-training: data/, models/, cache/.");
  m.def(
      "new_model_folder",
      &new_model_folder,
      "stem"_a,
      "The first of models/<stem>-1, -2, ... that does not exist.");
  m.def(
      "point_latest_at",
      &point_latest_at,
      "folder"_a,
      "Makes models/latest point at the folder, if it is in models/.");
  m.def(
      "find_model",
      &find_model,
      "name"_a,
      "The folder that a path or a name in models/ means. InputError when "
      "there is none.");
  m.def(
      "resolve_model",
      &resolve_model,
      "name"_a,
      "offline"_a = false,
      Release(),
      "The folder or .gguf file that a name means: a path, a name in models/, "
      "\"smollm2\", or owner/name of the Hugging Face Hub. Fetches what is "
      "missing unless `offline`.");
  m.def(
      "load_safetensors",
      [](const std::filesystem::path& path) {
        SafetensorsContent content = load_safetensors(path);
        return std::pair(
            std::move(content.arrays), std::move(content.metadata));
      },
      "path"_a,
      "(arrays by name, metadata). InputError when the file is damaged.");
  m.def(
      "save_safetensors",
      [](const std::filesystem::path& path,
         const Arrays& arrays,
         const std::map<std::string, std::string>& metadata) {
        write_file_atomically(path, safetensors_bytes(arrays, metadata));
      },
      "path"_a,
      "arrays"_a,
      "metadata"_a = std::map<std::string, std::string>{{"format", "pt"}},
      "Writes the file atomically; the same arrays give the same bytes.");
}

} // namespace llm::python
