// SPDX-License-Identifier: MIT

#include "llm/serving/training_runs.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>

#include "llm/core/files.h"
#include "llm/core/lock_file.h"
#include "tests/cpp/core/temporary_folder.h"
#include "tests/cpp/serving/json/refused.h"

using namespace llm;
using namespace llm::serving;
using namespace llm::test;
namespace fs = std::filesystem;

namespace {

const std::string head = R"({"run":"a","config":{"config":{"steps":4}}})"
                         "\n";

std::string step(int i, const std::string& more = "") {
  return "{\"step\":" + std::to_string(i) +
      ",\"loss\":" + std::to_string(5 - i) + ".5" + more + "}\n";
}

void put_run(const fs::path& folder, const std::string& text) {
  fs::create_directories(folder);
  put(folder / "metrics.jsonl", text);
}

void append(const fs::path& folder, const std::string& text) {
  std::ofstream(folder / "metrics.jsonl", std::ios::app) << text;
}

TrainingRun only(const fs::path& models) {
  const auto runs = list_training(models);
  REQUIRE(runs.size() == 1);
  return runs[0];
}

} // namespace

TEST_CASE("training runs: the newest numbers of each") {
  const TemporaryFolder models;
  CHECK(list_training(models.path()).empty());
  CHECK(list_training(models / "none").empty());
  put_run(models / "a", head);
  TrainingRun run = only(models.path());
  CHECK(run.id == "a");
  CHECK(run.step == 0);
  CHECK(run.steps == 4);
  CHECK(run.state == "stopped");
  CHECK_FALSE(run.loss);
  CHECK(to_json(run)["loss"].is_null());
  append(
      models / "a",
      step(1, ",\"val_loss_sampled\":4.25") +
          step(2, R"(,"sample":"\"val_loss_sampled\": \n{\"step\":9")") +
          "{\"step\":3,\"loss\":");
  run = only(models.path());
  CHECK(run.step == 2); // the third is being written
  CHECK(run.loss == 3.5);
  CHECK(run.val_loss == 4.25);
  run.updated_s = 7;
  CHECK(to_json(run) == Json::parse(R"({"id":"a","name":"a","state":"stopped",
        "step":2,"steps":4,"loss":3.5,"val_loss":4.25,"updated_s":7})"));
}

TEST_CASE("training runs: running, finished or stopped") {
  const TemporaryFolder models;
  put_run(models / "a", head + step(1));
  const auto state = [&] {
    const std::string listed = only(models.path()).state;
    CHECK(MetricsFollower(models.path(), "a").state() == listed);
    return listed;
  };
  CHECK(state() == "stopped");
  {
    const LockFile lock(models / "a");
    CHECK(state() == "running");
    CHECK(state() == "running"); // looking did not take the lock
    CHECK_THROWS(LockFile(models / "a"));
    append(models / "a", step(4));
    CHECK(state() == "running");
  }
  CHECK(state() == "finished");
  // What a killed run leaves: no such process, or one that holds no lock.
  put(models / "a/.lock", "2147483646\n");
  CHECK(state() == "finished");
  put(models / "a/.lock", std::to_string(::getpid()) + "\n");
  CHECK(state() == "finished");
  put(models / "a/.lock", "");
  CHECK(state() == "finished");
  // More steps, by force.
  append(
      models / "a",
      R"({"forced":{"config":{"steps":9}},"step":4})"
      "\n");
  CHECK(only(models.path()).steps == 9);
  CHECK(state() == "stopped");
}

TEST_CASE("training runs: newest first; what is none is passed over") {
  const TemporaryFolder models;
  for (const char* name : {"a", "b", "c"}) {
    put_run(models / name, head);
  }
  const auto now = fs::file_time_type::clock::now();
  fs::last_write_time(models / "a/metrics.jsonl", now - std::chrono::hours(1));
  fs::last_write_time(models / "c/metrics.jsonl", now - std::chrono::hours(2));
  put_run(models / ".tmp-d", head);
  put_run(models / "empty", "");
  put_run(models / "garbage", "\xff\xfe\n");
  put_run(models / "half", head.substr(0, 10));
  fs::create_directories(models / "folder/metrics.jsonl");
  fs::create_directory(models / "pipe");
  ::mkfifo((models / "pipe/metrics.jsonl").c_str(), 0600);
  fs::create_directory_symlink("a", models / "latest");
  std::string ids;
  for (const TrainingRun& run : list_training(models.path())) {
    ids += run.id;
  }
  CHECK(ids == "bac");
}

TEST_CASE("training runs: a follower gets whole lines, once") {
  const TemporaryFolder models;
  put_run(models / "a", head + step(1) + "{\"st");
  MetricsFollower follower(models.path(), "a");
  const auto lines = follower.next();
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] + "\n" == head);
  CHECK(lines[1] + "\n" == step(1));
  CHECK(follower.next().empty());
  append(models / "a", "ep\":2}\nno json\n[1]\n" + step(3));
  CHECK(
      follower.next() ==
      std::vector<std::string>{
          "{\"step\":2}", step(3).substr(0, step(3).size() - 1)});
  CHECK(follower.next().empty());
  CHECK_FALSE(follower.restarted());
}

TEST_CASE("training runs: as many lines as asked for") {
  const TemporaryFolder models;
  std::string text = head;
  for (int i = 1; i < 1000; ++i) {
    text += step(i);
  }
  put_run(models / "a", text);
  MetricsFollower follower(models.path(), "a");
  CHECK(follower.next(3).size() == 3);
  std::string joined;
  size_t most = 0, count = 3;
  for (auto lines = follower.next(); !lines.empty(); lines = follower.next()) {
    most = std::max(most, lines.size());
    count += lines.size();
    joined = lines.back();
  }
  CHECK(most == 256);
  CHECK(count == 1000);
  CHECK(joined + "\n" == step(999));
}

TEST_CASE("training runs: a resumed run cuts its file back") {
  const TemporaryFolder models;
  put_run(models / "a", head + step(1) + step(2));
  MetricsFollower follower(models.path(), "a");
  CHECK(follower.next().size() == 3);
  // As MetricsFile does it: a new file with the first bytes, then more.
  write_file_atomically(models / "a/metrics.jsonl", head + step(1));
  append(models / "a", step(2) + step(3));
  CHECK(follower.next().size() == 4);
  CHECK(follower.restarted());
  CHECK(follower.next().empty());
  CHECK_FALSE(follower.restarted());
  put(models / "a/metrics.jsonl", head); // a new run, the same file
  CHECK(follower.next().size() == 1);
  CHECK(follower.restarted());
  fs::remove_all(models / "a");
  CHECK(follower.next().empty());
  CHECK(follower.state() == "stopped");
}

TEST_CASE("training runs: a run that is not there") {
  const TemporaryFolder models;
  put_run(models / "a", head);
  for (const char* id : {"b", "", "..", "../a", "a/", "/etc", "a/../a"}) {
    CAPTURE(id);
    CHECK(refusal([&] {
            MetricsFollower(models.path(), id);
          }) == "404 not_found id");
  }
}
