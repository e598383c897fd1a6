// SPDX-License-Identifier: MIT
//
// UTF-8: streaming equals the whole for any cut, replaced text is valid, valid
// text makes the round trip.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "llm/core/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string replaced = llm::replace_invalid_utf8(text);
  bool good = !llm::find_utf8_error(replaced);
  if (const auto error = llm::find_utf8_error(text)) {
    good = good && error->length >= 1 && error->length <= 3 &&
        error->offset + error->length <= size && replaced != text;
  } else {
    good = good && replaced == text &&
        llm::encode_utf8(llm::decode_utf8(text)) == text;
  }
  llm::Utf8Stream stream;
  std::string streamed;
  for (size_t at = 0; at < size;) {
    const size_t take = 1 + data[at] % 5; // the text itself says where to cut
    streamed += stream.push(text.substr(at, take));
    at += take;
  }
  streamed += stream.finish();
  good = good && streamed == replaced &&
      !llm::find_utf8_error(llm::quote(text, 20)) &&
      llm::escape_text(text).find('\n') == std::string::npos;
  if (!good) {
    std::abort();
  }
  return 0;
}
