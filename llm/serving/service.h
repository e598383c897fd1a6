// SPDX-License-Identifier: MIT
//
// Everything a server needs, without a socket: calls may come from any thread,
// and one inference thread, which owns MLX, answers. A generation tells its
// events through a bounded Stream; any other call ends with one Answer.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "llm/serving/events.h"
#include "llm/serving/registry.h"
#include "llm/serving/requests.h"
#include "llm/serving/stream.h"

namespace llm::serving {

struct ServiceOptions {
  std::filesystem::path models; ///< the folder of models
  std::string default_model;    ///< id; "": see list_models()
  bool offline = false;         ///< fetch nothing
  int active = 16;              ///< texts written side by side
  int waiting = 48;             ///< generations that may wait beyond those
  int prefill_chunk = 128;      ///< tokens between two looks at the cancel flag
  int64_t run_bytes = 256 << 20;    ///< of all runs together
  int run_seconds = 600;            ///< a run is kept after its last use
  int64_t prompt_bytes = 256 << 20; ///< of remembered prompts
  int loaded_models = 3;            ///< the least used one makes room
  /// For tests: called before a "round", "prefill" or "step"; may throw.
  std::function<void(const char*)> probe;
};

/** One answer over HTTP, but for the transport. */
struct Answer {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  std::map<std::string, std::string> headers; ///< X-Shape and the like
};

/** An answer of JSON; of an error. */
Answer json_answer(const Json& json, int status = 200);
Answer error_answer(const ApiError& error);

/** Gets the answer, on the inference thread: hand it over and return. */
using OnAnswer = std::function<void(Answer)>;
/** A model's entry has changed; from any thread. */
using OnModel = std::function<void(const ModelInfo&)>;

struct Health {
  std::string status; ///< ok, draining or dead
  std::string backend;
  int running = 0, waiting = 0, max = 0;
};

class Service {
 public:
  explicit Service(const ServiceOptions& options);
  /** Cancels what runs and joins the thread. */
  ~Service();

  Health health() const;
  std::vector<ModelInfo> models() const;
  const ServiceOptions& options() const;

  /** The entry after the call. ApiError model_not_found. */
  ModelInfo load(const std::string& id);
  /** Tells changes until the handle is dropped. */
  std::shared_ptr<void> on_model(OnModel callback);

  /** `notify` is called, from any thread, when the stream has got an event.
   * The reader may have taken that event by then: let `notify` own what it
   * uses.
   * ApiError queue_full, draining, engine_dead, model_not_found. Everything
   * that is found wrong later is an ErrorEvent. Dropping the stream cancels. */
  std::shared_ptr<Stream> generate(
      const GenerateRequest& request,
      std::function<void()> notify);
  /** By StartEvent::id. False: no such generation, or it is over. */
  bool cancel(const std::string& id);

  void tokenize(const TokenizeRequest& request, OnAnswer done);
  void inspect(const InspectRequest& request, OnAnswer done);
  void whatif(const WhatIfRequest& request, OnAnswer done);
  /** GET /api/runs/{run}/{what}?query; what "" describes the run. The names
   * are those of the contract; unknown ones are errors. */
  void look(
      const std::string& run,
      const std::string& what,
      const std::map<std::string, std::string>& query,
      OnAnswer done);
  void drop_run(const std::string& run, OnAnswer done);

  /** Accepts nothing new; running generations go on. */
  void drain();
  /** True when nothing runs or waits. */
  bool idle() const;
  /** Ends all generations ("cancelled"). */
  void cancel_all();

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

} // namespace llm::serving
