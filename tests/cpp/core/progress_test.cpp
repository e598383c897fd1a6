// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <vector>

#include "llm/core/progress.h"
#include "llm/core/utf8.h"

using namespace llm;

namespace {

/** A progress whose time and screen the test holds. */
struct Stage {
  std::ostringstream out;
  double now = 100;

  ProgressOptions options(int width, int utf8 = 0) {
    ProgressOptions o;
    o.out = &out;
    o.width = width;
    o.utf8 = utf8;
    o.clock = [this] { return now; };
    return o;
  }
  std::string take() {
    std::string text = out.str();
    out.str("");
    return text;
  }
};

const std::string erase = "\r\x1b[K";

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    lines.push_back(line);
  }
  return lines;
}

} // namespace

TEST_CASE("progress: the live line on a terminal") {
  Stage stage;
  Progress progress("train", 200, stage.options(80));
  stage.now += 10;
  progress.update(50, "loss 1.912");
  CHECK(
      stage.take() ==
      erase +
          "train   25%  ######..................  50/200  loss 1.912  5.0 "
          "step/s  "
          "ETA 0:30");
  stage.now += 30;
  progress.update(200, "loss 1.5");
  CHECK(
      stage.take() ==
      erase +
          "train  100%  ##########################  200/200  loss 1.5  5.0 "
          "step/s  "
          "in 0:40");
  progress.finish();
  const std::string last = stage.take();
  CHECK(last.back() == '\n');
  progress.finish();
  progress.update(1);
  CHECK(stage.take() == "");
}

TEST_CASE("progress: a UTF-8 bar") {
  Stage stage;
  Progress progress("x", 2, stage.options(40, 1));
  progress.update(1);
  const std::string line = stage.take();
  CHECK(line.find("\u2501\u2501") != std::string::npos);
  CHECK(line.find("\u2501\u2500") != std::string::npos);
  CHECK_FALSE(find_utf8_error(line));
}

TEST_CASE("progress: the line never reaches the last column") {
  for (int width = 1; width <= 200; ++width) {
    Stage stage;
    Progress progress("tr\u00e4in", 2000, stage.options(width, 1));
    stage.now += 7;
    // Two wide characters and one that combines with the letter before it.
    progress.update(840, "loss 1.9 \u6f22\u5b57 e\u0301");
    const std::string text = stage.take();
    REQUIRE(text.rfind(erase, 0) == 0);
    int columns = 0;
    for (char32_t c : decode_utf8(text.substr(erase.size()))) {
      columns += c == 0x6f22 || c == 0x5b57 ? 2 : c == 0x301 ? 0 : 1;
    }
    REQUIRE(columns < std::max(width, 2));
  }
}

TEST_CASE("progress: redraws are limited, the last step is always drawn") {
  Stage stage;
  Progress progress("t", 1000, stage.options(80));
  int redraws = 0;
  for (int step = 1; step <= 1000; ++step) {
    stage.now += 0.001;
    progress.update(step);
    redraws += !stage.take().empty();
  }
  CHECK(redraws >= 10);
  CHECK(redraws <= 13);
}

TEST_CASE("progress: a message stands above the live line") {
  Stage stage;
  Progress progress("t", 10, stage.options(60));
  progress.message("first");
  CHECK(stage.take() == "first\n");
  progress.update(1);
  stage.take();
  progress.message("sample\x1b[2J\ntwo\n");
  const std::string text = stage.take();
  CHECK(text.rfind(erase + "sample\\x1b[2J\ntwo\n" + erase + "t ", 0) == 0);
  progress.message("");
  CHECK(stage.take().rfind(erase + "\n" + erase + "t ", 0) == 0);
}

TEST_CASE("progress: without a terminal a line for each tenth") {
  Stage stage;
  {
    Progress progress("train", 200, stage.options(0));
    for (int step = 1; step <= 200; ++step) {
      stage.now += 0.01;
      progress.update(step, "loss 2");
    }
    progress.message("note");
    progress.finish();
  }
  const auto lines = lines_of(stage.take());
  REQUIRE(lines.size() == 11);
  CHECK(lines[0] == "train   10%  20/200  loss 2  100 step/s  ETA 0:02");
  CHECK(lines[9] == "train  100%  200/200  loss 2  100 step/s  in 0:02");
  CHECK(lines[10] == "note");
}

TEST_CASE("progress: without a terminal slow steps still show signs of life") {
  Stage stage;
  Progress progress("train", 1000, stage.options(0));
  for (int step = 1; step <= 50; ++step) {
    stage.now += 20; // 1000 s in all: a line after each 40 s
    progress.update(step);
  }
  CHECK(lines_of(stage.take()).size() == 25);
  progress.finish(); // the last state was just printed
  CHECK(stage.take() == "");
}

TEST_CASE("progress: no escape codes without a terminal") {
  Stage stage;
  Progress progress("a\x1b", 3, stage.options(0));
  for (int step = 1; step <= 3; ++step) {
    progress.update(step, "x\x1b[0m\r");
  }
  progress.message("y\r\x1b");
  progress.finish();
  const std::string text = stage.take();
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find('\r') == std::string::npos);
}

TEST_CASE("progress: unknown totals, bytes and resumed runs") {
  Stage stage;
  Progress unknown("read", 0, stage.options(60));
  stage.now += 2;
  unknown.update(5);
  CHECK(stage.take() == erase + "read  5  2.5 step/s");
  ProgressOptions bytes = stage.options(0);
  bytes.unit = "B";
  Progress download("get", 4'000'000, bytes);
  stage.now += 2;
  download.update(1'000'000);
  CHECK(stage.take() == "get   25%  1.0 MB/4.0 MB  500.0 kB/s  ETA 0:06\n");
  ProgressOptions resumed = stage.options(0);
  resumed.start = 100;
  Progress train("train", 200, resumed);
  stage.now += 10;
  train.update(120); // 20 steps in 10 s, not 120
  CHECK(stage.take() == "train   60%  120/200  2.0 step/s  ETA 0:40\n");
}

TEST_CASE("progress: an exception leaves the next line free") {
  Stage stage;
  {
    Progress progress("t", 10, stage.options(60));
    progress.update(1);
  }
  CHECK(stage.take().back() == '\n');
}

TEST_CASE("progress: times and sizes") {
  CHECK(format_seconds(0) == "0:00");
  CHECK(format_seconds(59.6) == "1:00");
  CHECK(format_seconds(754) == "12:34");
  CHECK(format_seconds(3723) == "1:02:03");
  CHECK(format_seconds(276'000) == "3d 4h");
  CHECK(format_seconds(1e300) == "-:--");
  CHECK(format_seconds(-1) == "-:--");
  CHECK(format_bytes(0) == "0 B");
  CHECK(format_bytes(999) == "999 B");
  CHECK(format_bytes(1000) == "1.0 kB");
  CHECK(format_bytes(999'960) == "1.0 MB");
  CHECK(format_bytes(1.25e12) == "1.2 TB");
}
