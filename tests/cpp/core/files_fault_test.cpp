// SPDX-License-Identifier: MIT
//
// Every operation of a save x every fault, and every state that a power loss
// may leave: the old or the new content, complete, and never silent success.

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <string>

#include "faulty_files.h"
#include "llm/core/error.h"
#include "llm/core/files.h"
#include "power_loss.h"
#include "temporary_folder.h"

using namespace llm;
using namespace llm::test;
namespace fs = std::filesystem;

namespace {

const std::string old_bytes = "the old content";
const std::string new_bytes(100'000, 'n');
const std::map<std::string, std::string> folder_contents = {
    {"config.json", "{}"},
    {"empty", ""},
    {"model.safetensors", std::string(50'000, 'w')}};

size_t count_entries(const fs::path& folder) {
  return static_cast<size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

bool is_complete(const fs::path& folder) {
  for (const auto& [name, bytes] : folder_contents) {
    if (!fs::exists(folder / name) || get(folder / name) != bytes) {
      return false;
    }
  }
  return count_entries(folder) == folder_contents.size();
}

/** What is visible afterwards. */
enum class Found { old_state, new_state, broken };

struct Save {
  std::function<void(const fs::path&)> prepare;
  std::function<void(const fs::path&, FileSystem&)> run;
  std::function<Found(const fs::path&)> look;
  size_t old_entries;
  size_t new_entries;
};

const Save file_save = {
    [](const fs::path& root) { put(root / "file", old_bytes); },
    [](const fs::path& root, FileSystem& files) {
      write_file_atomically(root / "file", new_bytes, files);
    },
    [](const fs::path& root) {
      const std::string bytes = get(root / "file");
      return bytes == old_bytes ? Found::old_state
          : bytes == new_bytes  ? Found::new_state
                                : Found::broken;
    },
    1,
    1};

const Save folder_save = {
    [](const fs::path& root) {
      fs::create_directory(root / "step-1");
      put(root / "step-1" / "file", old_bytes);
    },
    [](const fs::path& root, FileSystem& files) {
      write_folder_atomically(root / "step-2", folder_contents, files);
    },
    [](const fs::path& root) {
      if (get(root / "step-1" / "file") != old_bytes) {
        return Found::broken;
      }
      return !fs::exists(root / "step-2") ? Found::old_state
          : is_complete(root / "step-2")  ? Found::new_state
                                          : Found::broken;
    },
    1,
    2};

enum class Outcome { success, error, killed };

Outcome run_save(const Save& save, const fs::path& root, FileSystem& files) {
  try {
    save.run(root, files);
    return Outcome::success;
  } catch (const IoError&) {
    return Outcome::error;
  } catch (const Killed&) {
    return Outcome::killed;
  }
}

/** One run with a fault; false when operation N does not exist. */
bool check_fault(const Save& save, int n, Fault kind) {
  CAPTURE(n);
  CAPTURE(static_cast<int>(kind));
  TemporaryFolder root;
  save.prepare(root.path());
  FaultyFiles files(real_files(), n, kind);
  const Outcome outcome = run_save(save, root.path(), files);
  const Found found = save.look(root.path());
  CAPTURE(files.struck_at());
  CHECK(found != Found::broken);
  if (kind == Fault::kill && files.struck()) {
    CHECK(outcome == Outcome::killed);
    remove_leftovers(root.path());
    CHECK(save.look(root.path()) == found);
  } else {
    CHECK(files.open_files() == 0);
  }
  if ((kind == Fault::enospc || kind == Fault::eio) && files.struck()) {
    CHECK(outcome == Outcome::error); // never a silent success
    const bool after_rename =
        files.struck_at() == "sync_directory" && found == Found::new_state;
    CHECK((found == Found::old_state || after_rename));
  }
  if (kind == Fault::eintr || kind == Fault::short_write || !files.struck()) {
    CHECK(outcome == Outcome::success);
    CHECK(found == Found::new_state);
  }
  CHECK(
      count_entries(root.path()) ==
      (found == Found::new_state ? save.new_entries : save.old_entries));
  return n <= files.operations();
}

/** All operations x all faults; the number of operations of a good save. */
int check_all_faults(const Save& save) {
  int operations = 0;
  for (Fault kind : all_faults) {
    int n = 1;
    while (check_fault(save, n, kind)) {
      REQUIRE(++n < 200);
    }
    operations = n - 1;
  }
  return operations;
}

/** Runs the save, then checks each state after each prefix. */
size_t broken_states(
    const Save& save,
    bool skip_fsync,
    const std::function<bool(const DiskState&, bool finished)>& is_good) {
  TemporaryFolder root;
  save.prepare(root.path());
  PowerLoss disk(root.path());
  RecordingFiles files(real_files());
  files.skip_fsync = skip_fsync;
  save.run(root.path(), files);
  size_t broken = 0;
  size_t states = 0;
  for (size_t done = 0; done <= files.log.size(); ++done) {
    if (done > 0) {
      disk.apply(files.log[done - 1]);
    }
    disk.for_each_state([&](const DiskState& state) {
      ++states;
      broken += !is_good(state, done == files.log.size());
    });
  }
  CHECK(states > 2 * files.log.size()); // the model does offer choices
  return broken;
}

bool good_file(const DiskState& state, bool finished) {
  const auto found = state.find("file");
  return found != state.end() &&
      (found->second == new_bytes || (!finished && found->second == old_bytes));
}

bool good_folder(const DiskState& state, bool finished) {
  const auto old_file = state.find("step-1/file");
  if (old_file == state.end() || old_file->second != old_bytes) {
    return false;
  }
  if (state.count("step-2") == 0) {
    return !finished;
  }
  for (const auto& [name, bytes] : folder_contents) {
    const auto found = state.find("step-2/" + name);
    if (found == state.end() || found->second != bytes) {
      return false;
    }
  }
  return true;
}

} // namespace

TEST_CASE("files: a file save survives every fault at every operation") {
  // open, write, fsync, close, rename, sync of the folder
  CHECK(check_all_faults(file_save) >= 6);
}

TEST_CASE("files: a folder save survives every fault at every operation") {
  // mkdir, 3 x (open, write, fsync, close) less one empty write, sync, rename,
  // sync
  CHECK(check_all_faults(folder_save) >= 15);
}

TEST_CASE("files: a file save survives power loss") {
  CHECK(broken_states(file_save, false, good_file) == 0);
}

TEST_CASE("files: a folder save survives power loss") {
  CHECK(broken_states(folder_save, false, good_folder) == 0);
}

TEST_CASE("files: the power loss model sees a save without fsync") {
  CHECK(broken_states(file_save, true, good_file) > 0);
  CHECK(broken_states(folder_save, true, good_folder) > 0);
}

TEST_CASE("files: removing a folder under faults is all or nothing by name") {
  for (int n = 1; n < 20; ++n) {
    for (Fault kind : {Fault::kill, Fault::eio, Fault::eintr}) {
      TemporaryFolder root;
      fs::create_directory(root / "model");
      put(root / "model/a", "a");
      put(root / "model/b", "b");
      FaultyFiles files(real_files(), n, kind);
      bool threw = false;
      try {
        remove_folder(root / "model", files);
      } catch (const IoError&) {
        threw = true;
      } catch (const Killed&) {
        threw = true;
      }
      CAPTURE(n);
      CHECK(threw == (files.struck() && kind != Fault::eintr));
      if (fs::exists(root / "model")) {
        CHECK(get(root / "model/a") + get(root / "model/b") == "ab");
      } else {
        remove_leftovers(root.path());
        CHECK(count_entries(root.path()) == 0);
      }
    }
  }
}
