// SPDX-License-Identifier: MIT
//
// Runs the tests of one topic. doctest's own output is for people who know it.
// The reporter "plain" writes what ./tutorial exercise shows: "right", or
//   not yet
//   the name of the test that failed first
//   what it found, in one line

#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include <unistd.h>

#include <mlx/device.h>

#include "exercises/include/not_yet.h"

namespace {

class Plain : public doctest::IReporter {
 public:
  explicit Plain(const doctest::ContextOptions& options)
      : out_(*options.cout) {}

  void test_case_start(const doctest::TestCaseData& test) override {
    test_ = test.m_name;
  }
  void log_message(const doctest::MessageData& message) override {
    note(message.m_string.c_str());
  }
  void log_assert(const doctest::AssertData& data) override {
    if (data.m_failed) {
      note(std::string("expected ") + data.m_expr);
    }
  }
  void test_case_exception(const doctest::TestCaseException& e) override {
    std::string words = e.error_string.c_str();
    if (e.is_crash) {
      words = "it crashed (an index out of range?): " + words;
    } else if (words != ex::NotYet().what()) {
      words = "it threw: " + words;
    }
    note(words);
  }
  void test_run_end(const doctest::TestRunStats& stats) override {
    if (!failed_.empty()) {
      out_ << "not yet\n" << failed_ << "\n" << words_ << std::endl;
    } else {
      out_ << (stats.numTestCasesPassingFilters ? "right" : "no tests")
           << std::endl;
    }
  }

  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}

 private:
  /** Keeps the first. */
  void note(std::string words) {
    if (failed_.empty()) {
      failed_ = test_;
      words_ = std::move(words);
      std::replace(words_.begin(), words_.end(), '\n', ' ');
    }
  }

  std::ostream& out_;
  std::string test_, failed_, words_;
};

// Priority 1: doctest wants one.
DOCTEST_REGISTER_REPORTER("plain", 1, Plain);

} // namespace

// A loop without end ends here: SIGALRM.
int main(int argc, char** argv) {
  const char* seconds = std::getenv("EXERCISE_SECONDS");
  alarm(seconds ? std::atoi(seconds) : 20);
  // Small arrays, and the same numbers on every machine.
  mlx::core::set_default_device(mlx::core::Device::cpu);
  return doctest::Context(argc, argv).run();
}
