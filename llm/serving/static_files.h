// SPDX-License-Identifier: MIT
//
// The files of the page. Which there are is found once, at the start: a request
// can only name one of them, exactly, so no path of a client ever reaches the
// file system. What is in them is read when it is asked for: after an edit a
// reload of the page is enough.

#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "llm/core/json.h"

namespace llm::serving {

class StaticFiles {
 public:
  struct File {
    std::filesystem::path path;
    std::string type; ///< of its content: "text/css; charset=utf-8"
  };

  /** Every regular file in and under `folder` whose suffix has a type, under
   * `prefix` ("/app/") and its path there; index.html also as the prefix
   * itself. No links, no hidden files, no `excluded` suffix (".md"), and no
   * names that would need an escape in a URL. */
  void add(
      const std::filesystem::path& folder,
      const std::string& prefix,
      std::string_view excluded = "");

  /** The file `name` of the repository at `root`, or the source files of the
   * folder of this name, as plain text: "/llm/nn/gelu.h". Pages link to them.
   */
  void add_sources(const std::filesystem::path& root, const std::string& name);

  /** Null: no file has this name. */
  const File* find(const std::string& name) const;

  /** Its content now; nothing when it is gone or has become a link. */
  static std::optional<std::string> read(const File& file);

  /** [{"slug","title","headings":[{"level","text","id"}]}] of the pages
   * /docs/<slug>.md, by slug. */
  Json docs_index() const;

 private:
  std::map<std::string, File> files_;
};

/** By the suffix of a name, with the dot; "" for an unknown one. */
std::string_view media_type(std::string_view suffix);

/** A page's title (its first heading of level 1) and its further headings, each
 * with the id that GitHub gives it. Code between fences is no heading. */
Json page_outline(std::string_view markdown);

/** A short name for exactly this content, in quotes: "\"3f1a...\"". */
std::string entity_tag(std::string_view content);

} // namespace llm::serving
