#include "mambascope/model/generate.h"

#include <fmt/format.h>

#include "mambascope/cli/commands.h"

namespace mambascope {
namespace {

void RunGenerate(const CommonOptions& common, const PromptOptions& prompt, int64_t tokens, int64_t top_k) {
  const std::optional<Tokenizer> tokenizer = LoadTokenizer(common);
  const std::vector<int64_t> ids = PromptIds(prompt, tokenizer);
  const Model model = LoadModel(common);
  const std::vector<int64_t> generated = Generate(model, {ids}, {.tokens = tokens, .top_k = top_k, .seed = common.seed}).front();
  const Json text = tokenizer ? Json(tokenizer->DecodeKnown(generated)) : Json();
  Print(common, {{"text", text}, {"ids", generated}},
        text.is_string() ? text.get<std::string>() + "\n" : fmt::format("{}\n", Json(generated).dump()));
}

}  // namespace

void Generate(CLI::App& command, CommonOptions& common) {
  struct Options {
    PromptOptions prompt;
    int64_t tokens = 20, top_k = 0;
  };
  const auto options = std::make_shared<Options>();
  AddPromptOptions(command, options->prompt);
  command.add_option("--tokens", options->tokens, "how many to add")->check(CLI::Range(1, 1'000'000))->capture_default_str();
  command.add_option("--top-k", options->top_k, "draw from the k most probable (seeded); without it, greedy")
      ->check(CLI::Range(1, 1'000'000));
  command.callback([&common, options] { RunGenerate(common, options->prompt, options->tokens, options->top_k); });
}

}  // namespace mambascope
