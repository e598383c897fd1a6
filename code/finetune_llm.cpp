// SPDX-License-Identifier: MIT
//
// finetune_llm: adapt a model that others trained to your own data, judge it,
// compare it with what it was, and save it for other programs. The work is done
// in llm/; the files in finetune/ say in which order.
// `finetune_llm train --help` shows examples.

#include "code/finetune/command_line.h"
#include "code/finetune/judge.h"
#include "code/finetune/save.h"
#include "code/finetune/train.h"
#include "llm/core/program.h"

namespace llm {

int run_generate(TuneOptions& o) {
  const TunedModel m = load_tuned(o, o.model, o.adapter);
  const Interrupt interrupt;
  const Generation g =
      answer(m, o, user_message(o.prompt), [&](const GeneratedToken& token) {
        std::cout << token.text << std::flush;
        return !interrupt.requested();
      });
  std::cout << "\n";
  if (o.json) {
    const Json result = {
        {"text", g.text}, {"tokens", g.ids}, {"logprobs", g.logprobs}};
    std::cout << result.dump() << "\n";
  }
  return 0;
}

} // namespace llm

int main(int argc, char** argv) {
  return llm::run_program("finetune_llm", [&] {
    llm::TuneOptions options;
    llm::TuneCommandLine line(options, argc, argv);
    line.add("train", "adapt a model to examples", llm::run_tune);
    line.add("generate", "answer a prompt", llm::run_generate);
    line.add("evaluate", "measure a model on data", llm::run_evaluate);
    line.add("fuse", "put an adapter into the weights", llm::run_fuse);
    line.add("compare", "two models, the same prompts", llm::run_compare);
    line.add("convert", "another format, fewer bits", llm::run_convert);
    return line.run();
  });
}
