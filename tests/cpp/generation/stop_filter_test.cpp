// SPDX-License-Identifier: MIT

#include "llm/generation/stop_filter.h"

#include <doctest/doctest.h>

#include "llm/core/error.h"
#include "llm/core/random.h"

using llm::StopFilter;

TEST_CASE("stop filter: holds back what may be a stop string") {
  StopFilter filter({"END", "\n\n"});
  CHECK(filter.push("The E") == "The ");
  CHECK(filter.push("N") == "");
  CHECK(filter.push("E") == "EN"); // "E" may begin it again
  CHECK(filter.push("agle\n") == "Eagle");
  CHECK(filter.push("x") == "\nx");
  CHECK(filter.push("yEN") == "y");
  CHECK(filter.push("D and more") == "");
  CHECK(filter.stopped());
  CHECK(filter.push("more") == "");
  CHECK(filter.finish() == "");
}

TEST_CASE("stop filter: finish gives what was held") {
  StopFilter filter({"stop"});
  CHECK(filter.push("one sto") == "one ");
  CHECK_FALSE(filter.stopped());
  CHECK(filter.finish() == "sto");
  StopFilter none({});
  CHECK(none.push("all at once") == "all at once");
}

TEST_CASE("stop filter: any cut gives the text before the first stop") {
  const std::string text = "aabaababbaaabbb";
  for (uint64_t i = 0; i < 500; ++i) {
    llm::Random random(llm::random_key(i, "cut"));
    std::string stop;
    for (uint64_t n = 1 + random.below(5); n > 0; --n) {
      stop += random.below(2) ? 'a' : 'b';
    }
    StopFilter filter({stop});
    std::string shown;
    for (size_t at = 0; at < text.size();) {
      const size_t n = 1 + random.below(4);
      shown += filter.push(std::string_view(text).substr(at, n));
      at += n;
    }
    const bool stopped = filter.stopped();
    shown += filter.finish();
    CAPTURE(stop);
    CHECK(shown == text.substr(0, text.find(stop)));
    CHECK(stopped == (text.find(stop) != std::string::npos));
  }
}

TEST_CASE("stop filter: refuses an empty or invalid stop string") {
  CHECK_THROWS_AS(StopFilter({""}), llm::UsageError);
  CHECK_THROWS_AS(StopFilter({"ok", "\xff"}), llm::UsageError);
}
