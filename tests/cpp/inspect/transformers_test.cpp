// SPDX-License-Identifier: MIT
//
// What is seen inside a model is what Hugging Face transformers sees there
// (tests/golden/make_inspect.py).

#include "llm/core/error.h"
#include "llm/inspect/attention.h"
#include "llm/inspect/whatif.h"
#include "llm/io/safetensors.h"
#include "tests/cpp/inspect/looking_models.h"

using namespace llm::inspect;
using namespace small;

namespace {

struct Golden {
  std::string name;
  std::unique_ptr<llm::LanguageModel> model;
  std::map<std::string, mx::array> inside;
  std::vector<int32_t> tokens;
};

std::vector<Golden> goldens() {
  const std::filesystem::path golden = LLM_GOLDEN_DIR;
  std::vector<Golden> out;
  for (const char* name :
       {"gpt2", "llama", "qwen3", "qwen3_window", "mistral", "gemma3"}) {
    const auto read = [&](const char* file) {
      return llm::load_safetensors(golden / name / file).arrays;
    };
    Golden g{
        name,
        llm::make_model(llm::read_json_file(golden / name / "config.json")),
        read("inspect.safetensors"),
        {}};
    g.model->update(g.model->translate(read("model.safetensors"), name));
    const mx::array tokens = mx::contiguous(
        mx::take(read("expected.safetensors").at("tokens"), 0, 0));
    mx::eval(tokens);
    g.tokens.assign(
        tokens.data<int32_t>(), tokens.data<int32_t>() + tokens.size());
    out.push_back(std::move(g));
  }
  return out;
}

} // namespace

TEST_CASE("inspect: attention and residual stream as transformers has them") {
  for (const Golden& g : goldens()) {
    CAPTURE(g.name);
    for (const int chunk : {128, 5}) {
      const auto reading = read(*g.model, g.tokens, {.chunk = chunk});
      const mx::array& attentions = g.inside.at("attentions");
      REQUIRE(attentions.shape(0) == g.model->layer_count());
      for (int layer = 0; layer < g.model->layer_count(); ++layer) {
        CHECK(
            distance(
                attention_rows(*reading, layer, 0, 16),
                mx::take(attentions, layer, 0)) < 1e-5f);
      }
      const auto stream = residuals(*g.model, *reading, 3, 16);
      for (size_t i = 0; i < stream.size(); ++i) {
        const mx::array expected = mx::slice(
            mx::take(g.inside.at("residuals"), static_cast<int>(i), 0),
            {3, 0},
            {16, stream[i].shape(1)});
        CHECK(distance(stream[i], expected) < 1e-4f);
      }
    }
  }
}

TEST_CASE("inspect: without a head, without an MLP, as transformers") {
  for (const Golden& g : goldens()) {
    CAPTURE(g.name);
    const auto before = read(*g.model, g.tokens);
    const auto compare = [&](const Intervention& change, const char* name) {
      const auto after = what_if(*g.model, *before, {change});
      for (const int at : {0, 7, 15}) {
        CHECK(
            distance(
                logits_after(*g.model, after->reading, at),
                mx::take(g.inside.at(name), at, 0)) < 1e-4f);
      }
    };
    compare(ScaleHead{0, 1, 0}, "no_head");
    compare(ScaleMLP{1, 0}, "no_mlp");
  }
}
