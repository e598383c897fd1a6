// SPDX-License-Identifier: MIT

#include <algorithm>
#include <utility>

#include "llm/core/checked.h"
#include "llm/core/error.h"
#include "llm/core/json.h"
#include "llm/core/safetensors.h"

namespace llm {

namespace {

constexpr std::pair<std::string_view, int> dtype_bits[] = {
    {"BOOL", 8},        {"F4", 4},          {"F6_E2M3", 6}, {"F6_E3M2", 6},
    {"U8", 8},          {"I8", 8},          {"F8_E5M2", 8}, {"F8_E4M3", 8},
    {"F8_E8M0", 8},     {"I16", 16},        {"U16", 16},    {"F16", 16},
    {"BF16", 16},       {"I32", 32},        {"U32", 32},    {"F32", 32},
    {"C64", 64},        {"F64", 64},        {"I64", 64},    {"U64", 64},
    {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8},
};

} // namespace

int safetensors_dtype_bits(std::string_view dtype) {
  for (const auto& [name, bits] : dtype_bits) {
    if (name == dtype) {
      return bits;
    }
  }
  return 0;
}

uint64_t place_tensors(std::map<std::string, TensorInfo>& tensors) {
  // Minus the bits: the widest type comes first.
  std::vector<std::pair<int, std::string>> order;
  for (const auto& [name, info] : tensors) {
    order.emplace_back(-safetensors_dtype_bits(info.dtype), name);
  }
  std::sort(order.begin(), order.end());
  uint64_t place = 0;
  for (const auto& [bits, name] : order) {
    TensorInfo& info = tensors.at(name);
    const uint64_t bytes =
        safetensors_tensor_bytes(info.dtype, info.shape, name);
    const auto end = checked_add(place, bytes);
    if (!end) {
      throw UsageError(
          "safetensors", "expected tensors of less than 2^64 bytes in all.");
    }
    info.begin = place;
    info.end = place = *end;
  }
  return place;
}

std::string safetensors_header_bytes(
    const std::map<std::string, TensorInfo>& tensors,
    const std::map<std::string, std::string>& metadata) {
  uint64_t data_bytes = 0;
  std::string bytes;
  try {
    Json json = Json::object();
    if (!metadata.empty()) {
      json["__metadata__"] = metadata;
    }
    // As in json.cpp: past the ordered map's search for the same key.
    Json::object_t::Container& object = json.get_ref<Json::object_t&>();
    for (const auto& [name, info] : tensors) {
      data_bytes = std::max(data_bytes, info.end);
      Json entry = {
          {"dtype", info.dtype},
          {"shape", info.shape},
          {"data_offsets", {info.begin, info.end}}};
      object.emplace_back(name, std::move(entry));
    }
    std::string text = json.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');
    for (size_t i = 0; i < 8; ++i) {
      bytes += static_cast<char>(text.size() >> (8 * i) & 0xFF);
    }
    bytes += text;
    const auto file_size = checked_add<uint64_t>(bytes.size(), data_bytes);
    parse_safetensors_header(bytes, file_size.value_or(0), "safetensors");
  } catch (const InputError& e) {
    throw UsageError(
        "safetensors", std::string("cannot write a header: ") + e.what());
  } catch (const Json::exception&) {
    throw UsageError(
        "safetensors", "expected names and metadata in UTF-8; rename them.");
  }
  return bytes;
}

} // namespace llm
