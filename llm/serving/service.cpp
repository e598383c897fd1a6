// SPDX-License-Identifier: MIT

#include "llm/serving/service.h"

#include <random>

#include "llm/serving/engine.h"
#include "llm/serving/looks.h"

namespace llm::serving {

namespace {

/** A task that answers with what `work` returns or throws. */
template <class F>
Engine::Task answering(OnAnswer done, F work) {
  return [done = std::move(done), work = std::move(work)](Engine* engine) {
    try {
      if (!engine) {
        throw engine_dead();
      }
      done(work(*engine));
    } catch (...) {
      done(error_answer(current_error()));
    }
  };
}

/** The loaded model, or why there is none. */
ModelHandle expect_loaded(Engine& engine, const std::string& id) {
  ModelHandle model = engine.loaded(id);
  if (!model) {
    throw ApiError(
        409, "model_unusable", engine.models().find(id).error, "model");
  }
  return model;
}

/** A seed that JSON keeps exact: 53 bits. */
uint64_t draw_seed() {
  static thread_local std::random_device device;
  return (uint64_t{device()} << 32 | device()) & ((uint64_t{1} << 53) - 1);
}

inspect::Encode encoder(const ModelHandle& model) {
  return [model](const std::string& text) {
    return model->use.tokenizer->encode(text, {.add_special = true});
  };
}

} // namespace

Answer json_answer(const Json& json, int status) {
  Answer out{.status = status, .body = {}, .headers = {}};
  out.body = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  return out;
}

Answer error_answer(const ApiError& error) {
  Answer out = json_answer(to_json(error), error.status);
  if (error.retry_after) {
    out.headers["Retry-After"] = std::to_string(*error.retry_after);
  }
  return out;
}

class Service::Implementation {
 public:
  explicit Implementation(const ServiceOptions& options)
      : options(options), engine(options) {}

  const ServiceOptions options;
  Engine engine;
};

Service::Service(const ServiceOptions& options)
    : implementation_(std::make_unique<Implementation>(options)) {}

Service::~Service() = default;

Health Service::health() const {
  return implementation_->engine.health();
}

std::vector<ModelInfo> Service::models() const {
  return implementation_->engine.models().list();
}

const ServiceOptions& Service::options() const {
  return implementation_->options;
}

ModelInfo Service::load(const std::string& id) {
  Engine& engine = implementation_->engine;
  ModelInfo info = engine.models().find(id);
  engine.want(info, {});
  if (info.state != "loaded") {
    info.state = "loading";
  }
  return info;
}

std::shared_ptr<void> Service::on_model(OnModel callback) {
  return implementation_->engine.models().subscribe(std::move(callback));
}

std::shared_ptr<Stream> Service::generate(
    const GenerateRequest& request,
    std::function<void()> notify) {
  Engine& engine = implementation_->engine;
  GenerateRequest own = request;
  own.model = engine.models().find(request.model).id;
  if (!own.seed_given) {
    own.sampling.seed = draw_seed();
    own.seed_given = true;
  }
  const auto stream = std::make_shared<Stream>(random_id(), std::move(notify));
  engine.add(std::make_unique<Lane>(std::move(own), stream));
  // The engine holds the stream too; the caller's handle cancels when dropped.
  return {stream.get(), [stream](Stream*) { stream->cancel(); }};
}

bool Service::cancel(const std::string& id) {
  return implementation_->engine.cancel(id);
}

void Service::tokenize(const TokenizeRequest& request, OnAnswer done) {
  Engine& engine = implementation_->engine;
  const ModelInfo info = engine.models().find(request.model);
  engine.want(
      info, answering(std::move(done), [request, id = info.id](Engine& engine) {
        const ModelHandle model = expect_loaded(engine, id);
        return json_answer(
            {{"tokens",
              tokens_of(
                  *model->use.tokenizer, request.text, request.special)}});
      }));
}

void Service::inspect(const InspectRequest& request, OnAnswer done) {
  Engine& engine = implementation_->engine;
  const ModelInfo info = engine.models().find(request.model);
  engine.want(
      info, answering(std::move(done), [request, id = info.id](Engine& engine) {
        const ModelHandle model = expect_loaded(engine, id);
        const Run& run = engine.runs().put(read_run(model, request));
        return json_answer(describe(run, engine.runs().seconds()), 201);
      }));
}

void Service::whatif(const WhatIfRequest& request, OnAnswer done) {
  implementation_->engine.ask(
      answering(std::move(done), [request](Engine& engine) {
        RunStore& runs = engine.runs();
        Run& before = runs.get(request.run);
        const ModelHandle model = before.model;
        std::optional<inspect::WhatIf> change = inspect::what_if(
            *model->use.model,
            before.reading,
            request.interventions,
            {.queries = true,
             .layers = {},
             .interventions = {},
             .encode = encoder(model),
             .go_on = {}});
        Json moved = to_json(*change, before);
        const Run& run =
            runs.put({random_id(), model, std::move(change->reading), {}});
        Json out = describe(run, runs.seconds());
        out.update(moved);
        return json_answer(out, 201);
      }));
}

void Service::look(
    const std::string& run,
    const std::string& what,
    const std::map<std::string, std::string>& query,
    OnAnswer done) {
  implementation_->engine.ask(
      answering(std::move(done), [run, what, query](Engine& engine) {
        RunStore& runs = engine.runs();
        return serving::look(runs.get(run), what, query, runs.seconds());
      }));
}

void Service::drop_run(const std::string& run, OnAnswer done) {
  implementation_->engine.ask(answering(std::move(done), [run](Engine& engine) {
    engine.runs().get(run);
    engine.runs().drop(run);
    Answer out{.status = 204, .body = {}, .headers = {}};
    out.type.clear();
    return out;
  }));
}

void Service::drain() {
  implementation_->engine.drain();
}

bool Service::idle() const {
  return implementation_->engine.idle();
}

void Service::cancel_all() {
  implementation_->engine.cancel_all();
}

} // namespace llm::serving
