// SPDX-License-Identifier: MIT

#include "llm/serving/static_files.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "llm/core/error.h"
#include "llm/core/files.h"
#include "llm/core/sha256.h"
#include "llm/core/utf8.h"
#include "llm/serving/http_rules.h"

namespace llm::serving {

namespace fs = std::filesystem;

namespace {

constexpr uint64_t max_page_bytes = uint64_t{32} << 20;

constexpr std::pair<std::string_view, std::string_view> types[] = {
    {".html", "text/html; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".json", "application/json"},
    {".md", "text/markdown; charset=utf-8"},
    {".txt", "text/plain; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".webp", "image/webp"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
};

/// Suffixes of source files; they are shown, never run.
constexpr std::string_view sources[] =
    {".h", ".cpp", ".py", ".sh", ".cmake", ".md", ".json", ".txt", ".yml"};

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
      (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '/';
}

/** A path below the folder that can be a name: "js/api.js". */
bool is_served(const std::string& name) {
  return !name.starts_with('.') && name.find("/.") == std::string::npos &&
      std::all_of(name.begin(), name.end(), is_plain);
}

/** Calls use(path, name) for each regular file in and under `folder` that can
 * be served, with its path below it. */
template <typename Use>
void each_file(const fs::path& folder, const Use& use) {
  std::error_code error; // a folder that is not there has no files
  for (fs::recursive_directory_iterator at(folder, error), end;
       !error && at != end;
       at.increment(error)) {
    const std::string name =
        at->path().lexically_relative(folder).generic_string();
    if (fs::is_regular_file(at->symlink_status()) && is_served(name)) {
      use(at->path(), name);
    }
  }
}

/** 1 to 6 for "## Title", else 0; `text` becomes the title. */
int heading_level(std::string_view line, std::string& text) {
  const size_t level = line.find_first_not_of('#');
  if (level == 0 || level > 6 || level == std::string_view::npos ||
      line[level] != ' ') {
    return 0;
  }
  text = line.substr(std::min(line.find_first_not_of(' ', level), line.size()));
  // A closing "##" is no part of the title, nor are marks of code and weight.
  while (text.ends_with('#') || text.ends_with(' ') || text.ends_with('\r')) {
    text.pop_back();
  }
  std::erase_if(text, [](char c) { return c == '`' || c == '*'; });
  return static_cast<int>(level);
}

/** As GitHub does: small letters, no marks, a hyphen for each space. */
std::string heading_id(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c >= 'A' && c <= 'Z') {
      out += static_cast<char>(c - 'A' + 'a');
    } else if (c == ' ') {
      out += '-';
    } else if ((is_plain(c) && c != '.' && c != '/') || (c & 0x80) != 0) {
      out += c;
    }
  }
  return out;
}

} // namespace

std::string_view media_type(std::string_view suffix) {
  for (const auto& [name, type] : types) {
    if (name == suffix) {
      return type;
    }
  }
  return "";
}

void StaticFiles::add(
    const fs::path& folder,
    const std::string& prefix,
    std::string_view excluded) {
  each_file(folder, [&](const fs::path& path, const std::string& name) {
    const std::string suffix = path.extension().string();
    const auto type = media_type(suffix);
    if (type.empty() || suffix == excluded) {
      return;
    }
    const File file{path, std::string(type)};
    files_[prefix + name] = file;
    if (name == "index.html") {
      files_[prefix] = file;
    }
  });
}

void StaticFiles::add_sources(const fs::path& root, const std::string& name) {
  const auto add_source = [&](const fs::path& path, const std::string& as) {
    const std::string suffix = path.extension().string();
    if (std::find(std::begin(sources), std::end(sources), suffix) !=
        std::end(sources)) {
      files_["/" + as] = {path, "text/plain; charset=utf-8"};
    }
  };
  const fs::path path = root / name;
  std::error_code error;
  if (fs::is_regular_file(fs::symlink_status(path, error))) {
    add_source(path, name);
  }
  each_file(path, [&](const fs::path& file, const std::string& below) {
    add_source(file, name + "/" + below);
  });
}

const StaticFiles::File* StaticFiles::find(const std::string& name) const {
  const auto at = files_.find(name);
  return at == files_.end() ? nullptr : &at->second;
}

std::optional<std::string> StaticFiles::read(const File& file) {
  std::error_code error;
  if (!fs::is_regular_file(fs::symlink_status(file.path, error))) {
    return std::nullopt;
  }
  try {
    return read_file(file.path, max_page_bytes);
  } catch (const Error&) { // removed or changed meanwhile
    return std::nullopt;
  }
}

Json StaticFiles::docs_index() const {
  const std::string_view prefix = "/docs/", suffix = ".md";
  Json out = Json::array();
  for (const auto& [name, file] : files_) {
    if (!name.starts_with(prefix) || !name.ends_with(suffix)) {
      continue;
    }
    const std::string slug =
        name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
    const auto text = is_slug(slug) ? read(file) : std::nullopt;
    if (text) {
      Json page = {{"slug", slug}};
      page.update(page_outline(replace_invalid_utf8(*text)));
      out.push_back(std::move(page));
    }
  }
  return out;
}

Json page_outline(std::string_view markdown) {
  std::string title, text;
  Json headings = Json::array();
  std::map<std::string, int> seen;
  bool code = false;
  while (!markdown.empty()) {
    const size_t end = std::min(markdown.find('\n'), markdown.size());
    const std::string_view line = markdown.substr(0, end);
    markdown.remove_prefix(std::min(end + 1, markdown.size()));
    if (line.starts_with("```") || line.starts_with("~~~")) {
      code = !code;
    }
    const int level = code ? 0 : heading_level(line, text);
    if (level == 0) {
      continue;
    }
    if (level == 1 && title.empty()) {
      title = text;
    }
    std::string id = heading_id(text);
    if (const int before = seen[id]++; before > 0) {
      id += "-" + std::to_string(before);
    }
    if (level > 1) {
      headings.push_back({{"level", level}, {"text", text}, {"id", id}});
    }
  }
  return {{"title", title}, {"headings", headings}};
}

std::string entity_tag(std::string_view content) {
  return '"' + sha256_hex(content).substr(0, 32) + '"';
}

} // namespace llm::serving
