// A C++ program that uses the mambascope library. It shows in which layers restoring the subject's
// states restores a fact.
//   trace_fact models/demo-mamba
#include <fmt/format.h>

#include <algorithm>

#include "mambascope/data/prompt.h"
#include "mambascope/experiments/tracing/trace.h"

using namespace mambascope;

int main(int argc, char** argv) {
  if (argc != 2) return fmt::print(stderr, "usage: trace_fact FOLDER (a checkpoint)\n"), 2;
  const Model model = Model::Load(argv[1]);
  const Tokenizer tokenizer = Tokenizer::Load(argv[1]);
  const std::string pattern = "The landmark called {} can be found in";
  const FactPair fact{.relation = "landmark",
                      .clean = MakePrompt(tokenizer, pattern, "Louvre"),
                      .corrupt = MakePrompt(tokenizer, pattern, "Colosseum"),
                      .answer_id = std::nullopt};
  Audit audit;
  const FactTrace trace = TraceFacts(model, {fact}, {.site = Site::kResid}, audit)[0];
  for (int layer = 0; layer < model.layers(); ++layer) {
    double most = 0;  // largest p(answer) over the subject's tokens
    for (int64_t t = fact.clean.subject_span.begin; t < fact.clean.subject_span.end; ++t)
      most = std::max(most,
                      trace.probs[static_cast<size_t>(t)][static_cast<size_t>(layer)].value_or(0));
    fmt::print("layer {:>2}   p(answer) {:.3f}\n", layer, most);
  }
}
