// SPDX-License-Identifier: MIT
//
// A run that goes on holds the lock of its folder (lock_file.h). To look must
// not disturb: the lock is tried only when the process that the file names is
// alive, and then it is nearly always held.

#include "llm/serving/training_runs.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <exception>
#include <utility>

#include "llm/core/files.h"
#include "llm/core/utf8.h"
#include "llm/serving/error.h"
#include "llm/serving/registry.h"

namespace llm::serving {

namespace {

namespace fs = std::filesystem;

constexpr uint64_t most_bytes = uint64_t{64} << 20; // of a file that is listed
constexpr size_t longest_line = size_t{1} << 20;

/** An open file, closed at the end; -1 when it cannot be opened. */
class OpenFile {
 public:
  explicit OpenFile(const fs::path& path)
      : file_(::open(
            path.c_str(),
            O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)) {}
  ~OpenFile() {
    if (file_ >= 0) {
      ::close(file_);
    }
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  int get() const {
    return file_;
  }
  /** Up to `size` bytes from `offset` on. */
  std::string read(uint64_t offset, size_t size) const {
    std::string bytes(size, '\0');
    ssize_t got = 0;
    do {
      got = ::pread(file_, bytes.data(), size, static_cast<off_t>(offset));
    } while (got < 0 && errno == EINTR);
    bytes.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
    return bytes;
  }

 private:
  int file_;
};

bool is_running(const fs::path& folder) {
  const OpenFile lock(folder / ".lock");
  if (lock.get() < 0) {
    return false;
  }
  const long owner = std::strtol(lock.read(0, 31).c_str(), nullptr, 10);
  if (owner <= 0 ||
      (::kill(static_cast<pid_t>(owner), 0) != 0 && errno == ESRCH)) {
    return false; // a file that a killed run left
  }
  return ::flock(lock.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

/** A line as JSON; null when it is no object. */
Json parse_line(std::string_view line) {
  try {
    Json json = parse_json(line, "metrics.jsonl");
    return json.is_object() ? json : Json();
  } catch (const std::exception&) {
    return Json();
  }
}

/** The line around `place`, without the last, unfinished one. */
Json line_at(std::string_view text, size_t place) {
  const size_t before = place == 0 ? text.npos : text.rfind('\n', place - 1);
  const size_t begin = before == text.npos ? 0 : before + 1;
  const size_t end = text.find('\n', place);
  return end == text.npos ? Json()
                          : parse_line(text.substr(begin, end - begin));
}

std::optional<double> number(const Json& line, const char* name) {
  return line.is_object() && line.contains(name) && line[name].is_number()
      ? std::optional(line[name].get<double>())
      : std::nullopt;
}

/** How many steps the run is to have: of its first line, or of the last one
 * that says that the settings were changed by force. */
int64_t planned_steps(std::string_view text) {
  const size_t forced = text.rfind("\n{\"forced\":");
  const Json line = line_at(text, forced == text.npos ? 0 : forced + 1);
  const char* const key = forced == text.npos ? "config" : "forced";
  const auto steps =
      Json::json_pointer(std::string("/") + key + "/config/steps");
  return line.is_object() && line.contains(steps) &&
          line[steps].is_number_integer()
      ? line[steps].get<int64_t>()
      : 0;
}

/** Fills what the lines say; false when there is no first line. */
bool read_lines(std::string_view text, TrainingRun& run) {
  text = text.substr(0, text.rfind('\n') + 1); // whole lines
  if (text.empty() || line_at(text, 0).is_null()) {
    return false;
  }
  run.steps = planned_steps(text);
  if (const size_t place = text.rfind("\n{\"step\":"); place != text.npos) {
    const Json line = line_at(text, place + 1);
    run.step = static_cast<int64_t>(number(line, "step").value_or(0));
    run.loss = number(line, "loss");
  }
  if (const size_t place = text.rfind("\"val_loss_sampled\":");
      place != text.npos) {
    run.val_loss = number(line_at(text, place), "val_loss_sampled");
  }
  return true;
}

std::string state_of(const fs::path& folder, int64_t step, int64_t steps) {
  return is_running(folder)        ? "running"
      : steps > 0 && step >= steps ? "finished"
                                   : "stopped";
}

/** The run in a folder; nothing when there is none. */
std::optional<TrainingRun> read_run(const fs::path& folder) {
  const fs::path path = folder / "metrics.jsonl";
  struct stat file{};
  if (::stat(path.c_str(), &file) != 0 || !S_ISREG(file.st_mode)) {
    return std::nullopt;
  }
  TrainingRun run;
  run.id = folder.filename().string();
  run.updated_s = file.st_mtime;
  try {
    if (!read_lines(read_file_start(path, most_bytes), run)) {
      return std::nullopt;
    }
  } catch (const std::exception&) { // it is gone, or cannot be read
    return std::nullopt;
  }
  run.state = state_of(folder, run.step, run.steps);
  return run;
}

} // namespace

Json to_json(const TrainingRun& run) {
  Json json = {
      {"id", run.id},
      {"name", run.id},
      {"state", run.state},
      {"step", run.step},
      {"steps", run.steps},
      {"loss", nullptr},
      {"val_loss", nullptr},
      {"updated_s", run.updated_s}};
  if (run.loss) {
    json["loss"] = *run.loss;
  }
  if (run.val_loss) {
    json["val_loss"] = *run.val_loss;
  }
  return json;
}

std::vector<TrainingRun> list_training(const fs::path& models) {
  std::vector<TrainingRun> runs;
  std::error_code error;
  for (fs::directory_iterator it(models, error), end; !error && it != end;
       it.increment(error)) {
    std::error_code ignored;
    if (is_model_id(it->path().filename().string()) &&
        !it->is_symlink(ignored)) {
      if (auto run = read_run(it->path())) {
        runs.push_back(std::move(*run));
      }
    }
  }
  std::sort(runs.begin(), runs.end(), [](const auto& a, const auto& b) {
    return a.updated_s != b.updated_s ? a.updated_s > b.updated_s : a.id < b.id;
  });
  return runs;
}

MetricsFollower::MetricsFollower(const fs::path& models, const std::string& id)
    : folder_(models / id) {
  std::error_code ignored;
  if (!is_model_id(id) || !read_run(folder_)) {
    throw ApiError(
        404,
        "not_found",
        "expected a training run but received " + quote(id) +
            "; GET /api/training lists them.",
        "id");
  }
}

std::vector<std::string> MetricsFollower::next(size_t most) {
  restarted_ = false;
  const OpenFile file(folder_ / "metrics.jsonl");
  struct stat now{};
  if (file.get() < 0 || ::fstat(file.get(), &now) != 0 ||
      !S_ISREG(now.st_mode)) {
    return {};
  }
  const auto inode = static_cast<uint64_t>(now.st_ino);
  if (offset_ > 0 &&
      (inode != inode_ || static_cast<uint64_t>(now.st_size) < offset_)) {
    offset_ = 0;
    restarted_ = true;
  }
  inode_ = inode;
  const std::string bytes = file.read(offset_, longest_line);
  std::vector<std::string> lines;
  size_t begin = 0;
  for (size_t end = bytes.find('\n'); end != bytes.npos && lines.size() < most;
       end = bytes.find('\n', begin)) {
    std::string line = bytes.substr(begin, end - begin);
    if (!parse_line(line).is_null()) {
      lines.push_back(std::move(line));
    }
    begin = end + 1;
  }
  offset_ += begin;
  return lines;
}

std::string MetricsFollower::state() const {
  if (is_running(folder_)) { // the common case, without reading the file
    return "running";
  }
  const auto run = read_run(folder_);
  return run ? run->state : "stopped";
}

} // namespace llm::serving
