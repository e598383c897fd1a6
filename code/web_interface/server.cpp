// SPDX-License-Identifier: MIT
//
// web_server: the page and the API over HTTP. This folder knows sockets, paths
// and headers; what a request means is in llm/serving. One thread runs all that
// is here, as coroutines; one other thread, the service's, owns MLX.
// README.md shows the way of a request.

#include <sys/resource.h>

#include <algorithm>
#include <iostream>

#include "code/web_interface/listener.h"
#include "code/web_interface/options.h"
#include "code/web_interface/routes.h"
#include "llm/core/program.h"
#include "llm/io/model_home.h"
#include "llm/io/model_source.h"
#include "llm/nn/backend.h"

#if !defined(LLM_SOURCE_DIR)
#error "CMakeLists.txt says where the pages are"
#endif

namespace llm::web {

namespace fs = std::filesystem;

/** Room for every connection, and for the files of models beside them. */
void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = std::max<rlim_t>(
        limit.rlim_cur, std::min<rlim_t>(limit.rlim_max, 4096));
    setrlimit(RLIMIT_NOFILE, &limit); // without it fewer connections fit
  }
}

int print_routes() {
  for (const Route& route : routes()) {
    std::cout << route.method << " " << route.path << "\n";
  }
  return 0;
}

serving::ServiceOptions service_options(const Settings& settings) {
  serving::ServiceOptions options;
  options.models = settings.models;
  if (settings.models.empty()) {
    options.models = tutorial_home() / "models";
  }
  options.default_model = settings.model;
  options.offline = settings.offline || offline_by_environment();
  if (!settings.models.empty() && !fs::is_directory(options.models)) {
    throw InputError(
        "web",
        "expected --models to be a folder but received " +
            quote(settings.models) + "; train a model into it first.");
  }
  return options;
}

/** InputError unless --model is there and whole. */
void check_model(const serving::ServiceOptions& options) {
  const auto list = serving::list_models(options.models, options.default_model);
  const auto found =
      std::find_if(list.begin(), list.end(), [&](const auto& info) {
        return info.id == options.default_model;
      });
  if (found == list.end()) {
    throw InputError(
        "web",
        "expected --model to be the name of a model but received " +
            quote(options.default_model) + "; without it the newest is used.");
  }
  if (found->state == "failed") {
    throw InputError("web", found->id + ": " + found->error);
  }
}

/** The page, the course, and what of the repository its pages link to. */
void add_files(serving::StaticFiles& files) {
  const fs::path root = LLM_SOURCE_DIR;
  files.add(root / "code" / "web_interface", "/app/", ".md");
  for (const char* name :
       {"llm",
        "code",
        "python",
        "scripts",
        "tests",
        "exercises",
        "benchmarks",
        "notebooks",
        "CMakeLists.txt",
        "README.md",
        "CONTRIBUTING.md",
        "EXPERIMENTS.md",
        "CHANGELOG.md",
        "THIRD_PARTY_NOTICES.md"}) {
    files.add_sources(root, name);
  }
  files.add(root / "benchmarks" / "results", "/benchmarks/results/");
  files.add(root / "tutorials", "/tutorials/");
  files.add(root / "public", "/");
}

int serve_page(Settings& settings) {
  const serving::ServiceOptions options = service_options(settings);
  if (!settings.model.empty()) {
    check_model(options);
  }
  const bool others =
      !is_loopback(settings.host) || !settings.allow_hosts.empty();
  if (others && settings.token.empty()) {
    settings.token = serving::random_secret();
  }
  raise_file_limit();
  asio::io_context io(1);
  tcp::acceptor acceptor = open_port(io, settings);
  start_mlx(settings.device, settings.threads);
  serving::Service service(options);
  App app{settings, service, {}, {}};
  add_files(app.files);
  if (!settings.model.empty()) {
    service.load(settings.model);
  }
  std::cout << "Open " << page_address(settings, acceptor) << std::endl;
  run_server(io, std::move(acceptor), app);
  return 0;
}

} // namespace llm::web

int main(int argc, char** argv) {
  return llm::run_program("web_server", [&] {
    llm::web::Settings settings;
    int code = 0;
    if (!llm::web::parse(settings, argc, argv, code)) {
      return code;
    }
    return settings.routes ? llm::web::print_routes()
                           : llm::web::serve_page(settings);
  });
}
