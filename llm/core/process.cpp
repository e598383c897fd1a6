// SPDX-License-Identifier: MIT

#include "llm/core/process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "llm/core/error.h"

extern char** environ; // POSIX: not declared by any header on macOS

namespace llm {
namespace {

constexpr int not_installed = 127; // as the shell says it

// Both ends of a pipe, closed on exec: the child gets copies of what it needs.
struct Pipe {
  int ends[2] = {-1, -1}; // [0] is read, [1] is written

  Pipe() {
    if (pipe(ends) != 0) {
      throw IoError(
          "process",
          std::string("cannot make a pipe: ") + std::strerror(errno) +
              "; close some files or programs.");
    }
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  }
  ~Pipe() {
    shut(0);
    shut(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  void shut(int end) {
    if (ends[end] >= 0) {
      close(ends[end]);
      ends[end] = -1;
    }
  }
};

// What the child does with its files before it becomes the program.
class FileActions {
 public:
  FileActions() {
    posix_spawn_file_actions_init(&actions_);
  }
  ~FileActions() {
    posix_spawn_file_actions_destroy(&actions_);
  }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;

  void copy(int from, int to) {
    posix_spawn_file_actions_adddup2(&actions_, from, to);
  }
  const posix_spawn_file_actions_t* get() const {
    return &actions_;
  }

 private:
  posix_spawn_file_actions_t actions_;
};

// The process id, or -1.
pid_t start(
    const std::vector<std::string>& arguments,
    const FileActions& files) {
  std::vector<char*> argv;
  for (const auto& argument : arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  pid_t child = 0;
  const int error =
      posix_spawnp(&child, argv[0], files.get(), nullptr, argv.data(), environ);
  return error == 0 ? child : -1;
}

int wait_for(pid_t child) {
  int status = 0;
  while (child < 0 || waitpid(child, &status, 0) < 0) {
    if (child < 0 || errno != EINTR) {
      return not_installed;
    }
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string read_to_end(int file) {
  std::string text;
  char piece[4096];
  while (true) {
    const ssize_t got = read(file, piece, sizeof piece);
    if (got > 0) {
      text.append(piece, static_cast<size_t>(got));
    } else if (got == 0 || errno != EINTR) {
      return text;
    }
  }
}

} // namespace

int run_process(const std::vector<std::string>& arguments) {
  FileActions files;
  files.copy(STDERR_FILENO, STDOUT_FILENO);
  return wait_for(start(arguments, files));
}

ProcessOutput read_process(const std::vector<std::string>& arguments) {
  Pipe input; // its writing end stays open here until the program has ended
  Pipe output;
  FileActions files;
  files.copy(input.ends[0], STDIN_FILENO);
  files.copy(output.ends[1], STDOUT_FILENO);
  const pid_t child = start(arguments, files);
  input.shut(0);
  output.shut(1);
  ProcessOutput result;
  result.text = read_to_end(output.ends[0]);
  result.status = wait_for(child);
  return result;
}

} // namespace llm
