#include "mambascope/model/generate.h"

#include <fmt/format.h>

#include "mambascope/cli/commands.h"
#include "mambascope/error.h"
#include "mambascope/plural.h"

namespace mambascope {
namespace {

class GenerateCommand : public Command {
 public:
  void VisitOptions(OptionVisitor& option) override {
    VisitPromptOptions(prompt_, option);
    option.Topic("Continuation");
    option(
        &tokens_,
        {.names = "--tokens", .help = "Number of tokens to add", .bounds = Integers{1, 1'000'000}});
    option(&top_k_, {.names = "--top-k",
                     .help = "Draw each token from this number of most probable ones (see --seed)",
                     .otherwise = "the most probable token",
                     .bounds = Integers{1, 1'000'000}});
  }

  void Run() override {
    const std::optional<Tokenizer> tokenizer = LoadTokenizer(common, prompt_);
    const std::vector<int64_t> ids = PromptIds(common, prompt_, tokenizer);
    const Model model = LoadModel(common, tokenizer ? &*tokenizer : nullptr);
    CheckLength(model, static_cast<int64_t>(ids.size()));
    const GenerateOptions options{
        .tokens = tokens_, .top_k = top_k_.value_or(0), .seed = common.Seed()};
    const std::vector<int64_t> generated = Generate(model, {ids}, options).front();
    const Json text = tokenizer ? Json(tokenizer->DecodeContinuation(generated)) : Json();
    Print(common, {{"text", text}, {"ids", generated}},
          text.is_string() ? text.get<std::string>() + "\n"
                           : fmt::format("{}\n", Json(generated).dump()));
  }

 private:
  // The last generated token is not read again, and so needs no position.
  void CheckLength(const Model& model, int64_t prompt) const {
    const int64_t tokens = prompt + tokens_ - 1, most = model.config().max_tokens;
    WarnOfLength(common, model, tokens);
    if (most == 0 || tokens <= most) return;
    throw Error(
        fmt::format("a prompt of {} and {} more make a text longer than this model allows ({}: {})",
                    Count(prompt, "token"), tokens_, model.config().max_tokens_reason, most),
        prompt > most ? "take a shorter prompt"
                      : fmt::format("add at most --tokens {}", most - prompt + 1));
  }

  PromptArguments prompt_;
  int64_t tokens_ = 20;
  std::optional<int64_t> top_k_;
};

}  // namespace

std::unique_ptr<Command> MakeGenerate() { return std::make_unique<GenerateCommand>(); }

}  // namespace mambascope
