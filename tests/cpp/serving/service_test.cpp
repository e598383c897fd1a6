// SPDX-License-Identifier: MIT
//
// Many texts at once are the texts one by one; nothing is lost, whatever
// happens to readers, models and the inference thread.

#include "llm/core/error.h"
#include "llm/generation/generate.h"
#include "tests/cpp/serving/serving_models.h"

using namespace small;

namespace {

std::string text_of(const std::vector<Event>& events) {
  std::string out;
  for (const TokenEvent& token : all_of<TokenEvent>(events)) {
    out += token.text;
  }
  return out;
}

/** Requests that differ in everything that must not matter to the others. */
std::vector<GenerateRequest> mixed(int n) {
  std::vector<GenerateRequest> out;
  for (int i = 0; i < n; ++i) {
    GenerateRequest r = request(std::string(1 + (i * 37) % 200, 'a' + i % 26));
    r.model = i % 4 == 3 ? "gpt" : "qwen";
    r.max_tokens = 5 + i % 20;
    r.sampling.seed = 100 + i;
    r.sampling.temperature = i % 3 == 0 ? 0.0f : 0.9f;
    r.sampling.top_k = i % 5 == 0 ? 20 : 0;
    r.top_logprobs = i % 2 == 0 ? 5 : 0;
    out.push_back(std::move(r));
  }
  return out;
}

} // namespace

TEST_CASE("service: a generation is what generate() writes") {
  const Models models;
  Service service(models.options());
  GenerateRequest r = request("hello there", 40);
  r.sampling.top_p = 0.9f;
  r.sampling.repetition_penalty = 1.2f;
  const std::vector<Event> events = run(service, r);
  const llm::ModelFolder own = llm::load_model(models.folder() / "qwen");
  llm::GenerateOptions options;
  options.sampling = r.sampling;
  options.max_tokens = 40;
  options.slide = false;
  options.eos = own.info.eos;
  const llm::Generation expected = llm::generate(
      *own.model, *own.tokenizer, bytes().encode("hello there"), options);
  CHECK(ids_of(events) == expected.ids);
  CHECK(text_of(events) == expected.text);
  const auto start = std::get<StartEvent>(
      *std::find_if(events.begin(), events.end(), [](const Event& e) {
        return event_name(e) == "start";
      }));
  CHECK(start.model == "qwen");
  CHECK(start.prompt.size() == 11);
  REQUIRE(start.chain.size() == 2);
  CHECK(start.chain[1].first == "top-p");
  CHECK(done_of(events).usage.prompt_tokens == 11);
  CHECK(
      done_of(events).usage.completion_tokens ==
      static_cast<int>(expected.ids.size()));
}

TEST_CASE("service: side by side as one by one") {
  const Models models;
  Service service(models.options());
  const std::vector<GenerateRequest> requests = mixed(24);
  std::vector<std::vector<int32_t>> serial;
  for (const GenerateRequest& r : requests) {
    serial.push_back(ids_of(run(service, r)));
  }
  std::vector<std::unique_ptr<Listener>> listeners;
  for (const GenerateRequest& r : requests) {
    listeners.push_back(std::make_unique<Listener>(service, r));
  }
  for (size_t i = 0; i < requests.size(); ++i) {
    CAPTURE(i);
    const std::vector<Event> events = listeners[i]->rest();
    CHECK(ids_of(events) == serial[i]);
    CHECK_FALSE(listeners[i]->stream().pop()); // one last event only
  }
  CHECK(becomes_idle(service));
}

TEST_CASE("service: remembered prompts change no bit") {
  const Models models;
  ServiceOptions options = models.options();
  options.prefill_chunk = 16;
  Service service(options);
  const std::string prompt(100, 'x');
  const auto first = run(service, request(prompt));
  const auto second = run(service, request(prompt));
  CHECK(done_of(first).usage.cached_tokens == 0);
  CHECK(done_of(second).usage.cached_tokens == 96);
  CHECK(ids_of(first) == ids_of(second));
  const auto longer = run(service, request(prompt.substr(0, 40) + "yz"));
  CHECK(done_of(longer).usage.cached_tokens == 32);
  ServiceOptions fresh = options;
  fresh.prompt_bytes = 0;
  Service other(fresh);
  run(other, request(prompt));
  const auto again = run(other, request(prompt.substr(0, 40) + "yz"));
  CHECK(done_of(again).usage.cached_tokens == 0);
  CHECK(ids_of(longer) == ids_of(again));
  for (size_t i = 0; i < ids_of(longer).size(); ++i) {
    CHECK(
        all_of<TokenEvent>(longer)[i].logprob_raw ==
        all_of<TokenEvent>(again)[i].logprob_raw);
  }
}

TEST_CASE("service: the ends of a text") {
  const Models models;
  Service service(models.options());
  CHECK(done_of(run(service, request("abc", 3))).reason == "length");
  GenerateRequest long_one = request(std::string(510, 'q'), 50);
  const auto full = run(service, long_one);
  CHECK(done_of(full).reason == "context");
  CHECK(ids_of(full).size() == 3); // positions 510, 511, and one beyond
  CHECK(
      done_of(run(service, request(std::string(512, 'q'), 9))).reason ==
      "context");
  const auto beyond = run(service, request(std::string(513, 'q'), 9));
  CHECK(error_of(beyond).code == "context_length_exceeded");
  CHECK(std::string(error_of(beyond).what()).find("512") != std::string::npos);
  CHECK(std::string(error_of(beyond).what()).find("513") != std::string::npos);
  GenerateRequest stopped = request("abc", 200);
  const std::string text = text_of(run(service, stopped));
  stopped.stop = {text.substr(20, 3)};
  const auto at_stop = run(service, stopped);
  CHECK(done_of(at_stop).reason == "stop");
  CHECK(text_of(at_stop) == text.substr(0, text.find(text.substr(20, 3))));
}

TEST_CASE("service: forced tokens") {
  const Models models;
  Service service(models.options());
  GenerateRequest r = request("abc", 12);
  const std::vector<int32_t> plain = ids_of(run(service, r));
  for (int i = 0; i < 4; ++i) {
    r.force[i] = plain[i];
  }
  CHECK(ids_of(run(service, r)) == plain); // the same again
  r.force[4] = (plain[4] + 1) % 256;
  const std::vector<int32_t> branch = ids_of(run(service, r));
  CHECK(branch[3] == plain[3]);
  CHECK(branch[4] == r.force[4]);
  CHECK(branch != plain);
  r.force[5] = vocabulary;
  CHECK(error_of(run(service, r)).status == 400);
}

TEST_CASE("service: cancelling") {
  const Models models;
  Service service(models.options());
  Listener listener(service, request("abc", 500));
  Event event = listener.next();
  while (event_name(event) != "token") {
    event = listener.next();
  }
  CHECK(service.cancel(listener.stream().id()));
  CHECK(done_of(listener.rest()).reason == "cancelled");
  CHECK_FALSE(service.cancel(listener.stream().id())); // over
  CHECK_FALSE(service.cancel("unknown"));
  Listener gone(service, request("abc", 500));
  gone.hang_up();
  CHECK(becomes_idle(service));
}

TEST_CASE("service: a full queue refuses, and loses nothing") {
  const Models models;
  ServiceOptions options = models.options();
  options.active = 2;
  options.waiting = 3;
  Service service(options);
  std::vector<std::unique_ptr<Listener>> accepted;
  int refused = 0;
  for (int i = 0; i < 12; ++i) {
    try {
      accepted.push_back(
          std::make_unique<Listener>(service, request("abc", 100)));
    } catch (const ApiError& error) {
      CHECK(error.status == 429);
      CHECK(error.code == "queue_full");
      CHECK(error.retry_after);
      ++refused;
    }
  }
  CHECK(refused > 0);
  CHECK(accepted.size() >= 5);
  for (const auto& one : accepted) {
    CHECK(done_of(one->rest()).reason == "length");
  }
}

TEST_CASE("service: a reader that does not read stops only itself") {
  const Models models;
  Service service(models.options());
  Listener slow(service, request("abc", 400));
  const auto other = run(service, request("abc", 400));
  CHECK(ids_of(other).size() == 400);
  // The slow one waits at 256 events, and goes on when somebody reads.
  const std::vector<Event> events = slow.rest();
  CHECK(ids_of(events) == ids_of(other));
}

TEST_CASE("service: what is thrown in a step ends that step's texts only") {
  const Models models;
  ServiceOptions options = models.options();
  std::atomic<int> steps{0};
  options.probe = [&](const char* where) {
    if (std::string(where) == "step" && ++steps == 5) {
      throw std::runtime_error("secret /path");
    }
  };
  Service service(options);
  const auto failed = run(service, request("abc", 50));
  CHECK(error_of(failed).status == 500);
  CHECK(
      std::string(error_of(failed).what()).find("secret") == std::string::npos);
  CHECK(service.health().status == "ok");
  CHECK(done_of(run(service, request("abc", 50))).reason == "length");
}

TEST_CASE("service: when the inference thread dies everybody is told") {
  const Models models;
  ServiceOptions options = models.options();
  std::atomic<bool> die{false};
  options.probe = [&](const char* where) {
    if (die && std::string(where) == "round") {
      throw std::runtime_error("end");
    }
  };
  Service service(options);
  Listener listener(service, request("abc", 400));
  listener.next();
  die = true;
  CHECK(error_of(listener.rest()).code == "engine_dead");
  CHECK(service.health().status == "dead");
  try {
    service.generate(request("abc"), [] {});
    FAIL("accepted");
  } catch (const ApiError& error) {
    CHECK(error.status == 503);
  }
}

TEST_CASE("service: draining finishes what runs") {
  const Models models;
  Service service(models.options());
  Listener listener(service, request("abc", 200));
  service.drain();
  CHECK(service.health().status == "draining");
  CHECK_THROWS_AS(service.generate(request("abc"), [] {}), ApiError);
  CHECK(done_of(listener.rest()).reason == "length");
  CHECK(becomes_idle(service));
}

TEST_CASE("service: models") {
  const Models models;
  Service service(models.options());
  CHECK_THROWS_AS(service.load("nothing"), ApiError);
  std::mutex mutex;
  std::vector<std::string> states;
  const auto handle = service.on_model([&](const ModelInfo& info) {
    const std::lock_guard lock(mutex);
    states.push_back(info.id + " " + info.state);
  });
  CHECK(service.load("gpt").state == "loading");
  GenerateRequest r = request("abc", 2);
  r.model = "gpt";
  CHECK(done_of(run(service, r)).reason == "length");
  CHECK(done_of(run(service, request("abc", 2))).reason == "length");
  const std::lock_guard lock(mutex);
  CHECK(
      states ==
      std::vector<std::string>{
          "gpt loading", "gpt loaded", "qwen loading", "qwen loaded"});
}
