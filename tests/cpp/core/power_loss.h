// SPDX-License-Identifier: MIT
//
// What a disk may hold after the power fails. RecordingFiles notes every
// operation; PowerLoss replays a prefix of them and lists all states that POSIX
// allows:
//   - a change in a folder (create, rename, remove) that came after the last
//     sync of that folder has happened or not, each independently of the
//     others;
//   - a file that was written after its last fsync holds its old content, none
//     of it, a part, zeros, or all.
// Only what was synced is certain.

#pragma once

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "llm/core/files.h"
#include "temporary_folder.h"

namespace llm::test {

/** One operation that succeeded. */
struct Operation {
  enum Kind { create, write, fsync, rename, unlink, mkdir, rmdir, sync_folder };
  Kind kind;
  std::string path;  // of the file or folder
  std::string other; // the new name, or the bytes that were written
};

class RecordingFiles : public FileSystem {
 public:
  explicit RecordingFiles(FileSystem& inner) : inner_(inner) {}

  std::vector<Operation> log;
  bool skip_fsync = false; ///< breaks the rules on purpose

  int open(const std::string& path, int flags, mode_t mode) override {
    const int file = inner_.open(path, flags, mode);
    if (file >= 0) {
      log.push_back({Operation::create, path, ""});
      names_[file] = path;
    }
    return file;
  }
  ssize_t write(int file, const void* bytes, size_t size) override {
    const ssize_t done = inner_.write(file, bytes, size);
    if (done > 0) {
      log.push_back(
          {Operation::write,
           names_.at(file),
           std::string(
               static_cast<const char*>(bytes), static_cast<size_t>(done))});
    }
    return done;
  }
  int fsync(int file) override {
    if (!skip_fsync) {
      log.push_back({Operation::fsync, names_.at(file), ""});
    }
    return inner_.fsync(file);
  }
  int close(int file) override {
    return inner_.close(file);
  }
  int rename(const std::string& from, const std::string& to) override {
    return note(inner_.rename(from, to), {Operation::rename, from, to});
  }
  int unlink(const std::string& path) override {
    return note(inner_.unlink(path), {Operation::unlink, path, ""});
  }
  int mkdir(const std::string& path, mode_t mode) override {
    return note(inner_.mkdir(path, mode), {Operation::mkdir, path, ""});
  }
  int rmdir(const std::string& path) override {
    return note(inner_.rmdir(path), {Operation::rmdir, path, ""});
  }
  int sync_directory(const std::string& path) override {
    return note(
        inner_.sync_directory(path), {Operation::sync_folder, path, ""});
  }

 private:
  int note(int result, Operation operation) {
    if (result == 0) {
      log.push_back(std::move(operation));
    }
    return result;
  }

  FileSystem& inner_;
  std::map<int, std::string> names_;
};

/** Path below the root -> content; folders have the content "/". */
using DiskState = std::map<std::string, std::string>;

class PowerLoss {
 public:
  /** `root` is what lies durably on the disk before the operations. */
  explicit PowerLoss(const std::filesystem::path& root) : root_(root.string()) {
    nodes_.push_back(Node{true, {}, {}, true});
    load(root, 0);
  }

  /** Replays one operation. */
  void apply(const Operation& o) {
    switch (o.kind) {
      case Operation::create:
      case Operation::mkdir: {
        nodes_.push_back(Node{o.kind == Operation::mkdir, {}, {}, true});
        change({{parent(o.path), base(o.path), nodes_.size() - 1}});
        break;
      }
      case Operation::write: {
        Node& file = nodes_[find(o.path)];
        file.now += o.other;
        file.synced = false;
        break;
      }
      case Operation::fsync: {
        Node& file = nodes_[find(o.path)];
        file.durable = file.now;
        file.synced = true;
        break;
      }
      case Operation::rename:
        change(
            {{parent(o.path), base(o.path), nothing},
             {parent(o.other), base(o.other), find(o.path)}});
        break;
      case Operation::unlink:
      case Operation::rmdir:
        change({{parent(o.path), base(o.path), nothing}});
        break;
      case Operation::sync_folder:
        sync(find(o.path));
        break;
    }
  }

  /** Calls `visit` with every state that the disk may be in now. */
  void for_each_state(const std::function<void(const DiskState&)>& visit) {
    for (size_t chosen = 0; chosen < (size_t{1} << pending_.size()); ++chosen) {
      Folders folders = durable_;
      for (size_t i = 0; i < pending_.size(); ++i) {
        if (chosen >> i & 1) {
          enact(folders, pending_[i]);
        }
      }
      std::vector<std::pair<std::string, size_t>> files;
      DiskState state;
      list(folders, 0, "", files, state);
      fill(files, 0, state, visit);
    }
  }

 private:
  static constexpr size_t nothing = static_cast<size_t>(-1);
  struct Node {
    bool folder;
    std::string now;     // what a reader sees before the power fails
    std::string durable; // what was fsync'ed
    bool synced;
  };
  struct Entry {
    size_t folder;
    std::string name;
    size_t node; // `nothing` removes the name
  };
  using Change = std::vector<Entry>; // happens as a whole
  using Folders = std::map<size_t, std::map<std::string, size_t>>;

  void load(const std::filesystem::path& path, size_t node) {
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      const bool folder = entry.is_directory();
      const std::string bytes = folder ? "" : get(entry.path());
      nodes_.push_back(Node{folder, bytes, bytes, true});
      const size_t made = nodes_.size() - 1;
      durable_[node][entry.path().filename().string()] = made;
      if (folder) {
        load(entry.path(), made);
      }
    }
    now_ = durable_;
  }

  static std::string base(const std::string& path) {
    return std::filesystem::path(path).filename().string();
  }
  size_t parent(const std::string& path) {
    return find(std::filesystem::path(path).parent_path().string());
  }
  size_t find(const std::string& path) {
    const auto relative = std::filesystem::path(path).lexically_relative(root_);
    size_t node = 0;
    for (const auto& part : relative) {
      if (part != ".") {
        node = now_[node].at(part.string());
      }
    }
    return node;
  }

  static void enact(Folders& folders, const Change& change) {
    for (const Entry& entry : change) {
      if (entry.node == nothing) {
        folders[entry.folder].erase(entry.name);
      } else {
        folders[entry.folder][entry.name] = entry.node;
      }
    }
  }
  void change(const Change& change) {
    enact(now_, change);
    pending_.push_back(change);
  }
  void sync(size_t folder) {
    std::vector<Change> rest;
    for (const Change& change : pending_) {
      if (change[0].folder == folder) { // our renames stay in one folder
        enact(durable_, change);
      } else {
        rest.push_back(change);
      }
    }
    pending_ = rest;
  }

  void list(
      const Folders& folders,
      size_t folder,
      const std::string& prefix,
      std::vector<std::pair<std::string, size_t>>& files,
      DiskState& state) const {
    const auto found = folders.find(folder);
    if (found == folders.end()) {
      return;
    }
    for (const auto& [name, node] : found->second) {
      if (nodes_[node].folder) {
        state[prefix + name] = "/";
        list(folders, node, prefix + name + "/", files, state);
      } else {
        files.emplace_back(prefix + name, node);
      }
    }
  }

  void fill(
      const std::vector<std::pair<std::string, size_t>>& files,
      size_t i,
      DiskState& state,
      const std::function<void(const DiskState&)>& visit) const {
    if (i == files.size()) {
      visit(state);
      return;
    }
    const Node& node = nodes_[files[i].second];
    std::set<std::string> contents = {node.now};
    if (!node.synced) {
      contents.insert(node.durable);
      contents.insert("");
      contents.insert(node.now.substr(0, node.now.size() / 2));
      contents.insert(std::string(node.now.size(), '\0'));
    }
    for (const std::string& content : contents) {
      state[files[i].first] = content;
      fill(files, i + 1, state, visit);
    }
  }

  std::string root_;
  std::vector<Node> nodes_;
  Folders durable_;
  Folders now_;
  std::vector<Change> pending_;
};

} // namespace llm::test
