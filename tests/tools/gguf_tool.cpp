// SPDX-License-Identifier: MIT
//
// For tests/python/test_gguf_oracle.py and test_reader_memory.py.
//   gguf_tool headers              records on standard input, each a 4-byte
//       little-endian length and that many bytes of a GGUF file; a line for
//       each: the header as JSON or the reason of the rejection
//   gguf_tool load FILE OUT        OUT: a safetensors file with NAME (float32),
//       and for quantized tensors NAME.weight, NAME.scales, NAME.biases
//   gguf_tool memory FILE [header] loads FILE (GGUF, or safetensors by its
//       suffix) or only its header; prints the peak memory in bytes, idle and
//       after it, and the reason when it is rejected

#include <sys/resource.h>

#include <cstdint>
#include <fstream>
#include <iostream>
#include <string>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/core/error.h"
#include "llm/core/files.h"
#include "llm/core/gguf.h"
#include "llm/core/json.h"
#include "llm/core/program.h"
#include "llm/core/safetensors.h"
#include "llm/core/utf8.h"
#include "llm/io/gguf.h"
#include "llm/io/safetensors.h"

namespace {

using llm::Json;

/** Values as numbers; text as its bytes, since it need not be UTF-8. */
Json to_json(const llm::GgufMetadata& metadata, const std::string& key) {
  using Type = llm::GgufValueType;
  const llm::GgufValue& value = metadata.values.at(key);
  const auto bytes_of = [](const std::string& text) {
    return Json(std::vector<uint8_t>(text.begin(), text.end()));
  };
  try {
    switch (value.type) {
      case Type::string: {
        if (!value.is_array) {
          return bytes_of(gguf_string(metadata, key));
        }
        Json texts = Json::array();
        for (const std::string& text : gguf_strings(metadata, key)) {
          texts.push_back(bytes_of(text));
        }
        return texts;
      }
      case Type::boolean:
        return value.is_array ? Json(gguf_bools(metadata, key))
                              : Json(gguf_bool(metadata, key));
      case Type::f32:
      case Type::f64:
        return value.is_array ? Json(gguf_floats(metadata, key))
                              : Json(gguf_float(metadata, key));
      default:
        return value.is_array ? Json(gguf_ints(metadata, key))
                              : Json(gguf_int(metadata, key));
    }
  } catch (const llm::InputError&) {
    return nullptr; // NaN, infinity, over 2^63
  }
}

Json to_json(const llm::GgufHeader& header) {
  Json tensors = Json::object();
  for (const auto& [name, info] : header.tensors) {
    tensors[name] = {
        info.type->name,
        info.shape,
        header.data_offset + info.begin,
        info.end - info.begin};
  }
  Json metadata = Json::object();
  for (const auto& [key, value] : header.metadata.values) {
    const std::string type(llm::gguf_value_type_name(value.type));
    metadata[key] = {
        value.is_array ? "array of " + type : type,
        to_json(header.metadata, key)};
  }
  return {{"tensors", tensors}, {"metadata", metadata}};
}

void print_headers() {
  unsigned char length[4];
  while (std::cin.read(reinterpret_cast<char*>(length), 4)) {
    const uint32_t size = length[0] | length[1] << 8 | length[2] << 16 |
        static_cast<uint32_t>(length[3]) << 24;
    std::string file(size, '\0');
    if (!std::cin.read(file.data(), size)) {
      throw llm::InputError("gguf_tool", "expected a whole record.");
    }
    try {
      const auto header =
          llm::parse_gguf_header(llm::MemorySource(file), "file");
      std::cout << to_json(header).dump() << '\n';
    } catch (const llm::InputError& e) {
      std::cout << llm::escape_text(e.what()) << '\n';
    }
  }
}

void convert(const std::string& from, const std::string& to) {
  llm::Arrays arrays;
  for (const auto& [name, tensor] : llm::load_gguf(from).tensors) {
    arrays.emplace(name, llm::dequantize(tensor));
    if (tensor.bits != 0) {
      arrays.emplace(name + ".weight", tensor.weight);
      arrays.emplace(name + ".scales", *tensor.scales);
      arrays.emplace(name + ".biases", *tensor.biases);
    }
  }
  llm::write_file_atomically(to, llm::safetensors_bytes(arrays));
}

/** The most memory that this process has had. */
int64_t peak_bytes() {
  // On Linux getrusage begins with the memory of the parent process.
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) {
      return std::stoll(line.substr(6)) * 1024;
    }
  }
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss; // bytes on macOS
}

void print_memory(const std::string& path, bool header_only) {
  mlx::core::eval(mlx::core::add(mlx::core::ones({2}), mlx::core::ones({2})));
  const bool gguf = path.ends_with(".gguf");
  const int64_t idle = peak_bytes();
  std::string reason;
  try {
    if (header_only && gguf) {
      llm::parse_gguf_header(llm::FileSource(path), "file");
    } else if (header_only) {
      llm::read_safetensors_header(path);
    } else if (gguf) {
      const auto content = llm::load_gguf(path);
    } else {
      const auto content = llm::load_safetensors(path);
    }
  } catch (const llm::InputError& e) {
    reason = llm::escape_text(e.what());
  }
  std::cout << idle << ' ' << peak_bytes() << '\n' << reason << '\n';
}

int run(int argc, char** argv) {
  const std::string command = argc > 1 ? argv[1] : "";
  if (command == "headers") {
    print_headers();
  } else if (command == "load" && argc == 4) {
    convert(argv[2], argv[3]);
  } else if (command == "memory" && argc >= 3) {
    print_memory(argv[2], argc > 3);
  } else {
    throw llm::UsageError("gguf_tool", "expected headers, load or memory.");
  }
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  return llm::run_program("gguf_tool", [&] { return run(argc, argv); });
}
