#include <fmt/format.h>

#include <algorithm>

#include "mambascope/cli/commands.h"
#include "mambascope/cli/describe.h"
#include "mambascope/cli/output.h"
#include "mambascope/error.h"
#include "mambascope/memory.h"
#include "mambascope/plural.h"
#include "mambascope/reports/attention_report.h"
#include "mambascope/reports/result_tables.h"

namespace mambascope {
namespace {

class AttentionCommand : public Command {
 public:
  void VisitOptions(OptionVisitor& option) override {
    VisitPromptOptions(prompt_, option);
    option.Topic("Matrices");
    option(&layers_, {.names = "--layer,--layers",
                      .help = "Layers, as 3, 0-15, 2,4,6 or all",
                      .key = "layer",
                      .presence = OptionInfo::Presence::kRequired});
    option(&channel_,
           {.names = "--channel,--head",
            .help = "Channel (Mamba-1) or head, counted from 0, whose own matrix is written, too",
            .otherwise = "only means over all",
            .bounds = IntegersFrom{0},
            .key = "channel"});
    option(&max_tokens_,
           {.names = "--max-tokens",
            .help = "Longest prompt. Matrices grow with its square: 1,000 tokens make a file of "
                    "about 60 MB for each mixer",
            .bounds = Integers{1, 1'000'000},
            .decides = Decides::kConduct});
    option.Topic("Output");
    VisitOutputOptions(output_, "out/attention-MODEL", option);
  }

  void Run() override {
    const OutputFolder folder =
        OpenOutput(common, output_, DefaultFolder("attention", {common.model}),
                   {"attention.json", "attention.html"});
    const RunDescription run = DescribeRun("attention", *this);
    RefuseOtherRun(folder, "attention", {run.identity}, output_.others());
    const std::optional<Tokenizer> tokenizer = LoadTokenizer(common, prompt_);
    const std::vector<int64_t> ids = PromptIds(common, prompt_, tokenizer);
    const auto tokens = static_cast<int64_t>(ids.size());
    CheckTokens(tokens);
    const Model model = LoadModel(common, tokenizer ? &*tokenizer : nullptr);
    WarnOfLength(common, model, tokens);
    const std::vector<int> layers = ParseLayers(layers_, model.layers());
    CheckMemory(model, layers, tokens);
    AttentionResult result{.options = run.options, .ids = ids, .texts = {}, .layers = {}};
    result.channel = channel_;
    for (int64_t id : ids)
      result.texts.push_back(tokenizer ? tokenizer->DecodeToken(id) : std::nullopt);
    AttentionOptions options{.channel = result.channel};
    options.progress = [show = ShowProgress(common, "attention: mixers", "",
                                            "choose fewer layers, or take a shorter prompt")](
                           double done, int64_t mixers) { show({.done = done, .total = mixers}); };
    result.layers = HiddenAttention(model, ids, layers, options);
    if (const int64_t shown = ShownTokens(result); shown < tokens)
      Note(common, fmt::format("the figures show the last {} of {} tokens; attention.json has all",
                               shown, tokens));
    WriteResults(
        "attention", common, output_, folder,
        {result, AttentionPage(result), AttentionText(result), [&] { return MakeTable(result); }});
  }

 private:
  static constexpr int64_t kNumberBytes = 20;            // in a file
  int64_t matrices() const { return channel_ ? 4 : 3; }  // of a mixer

  void CheckTokens(int64_t tokens) const {
    if (tokens <= max_tokens_) return;
    throw Error(
        fmt::format("the prompt has {}: attention.json would have about {} for each mixer",
                    Count(tokens, "token"), BytesText(matrices() * tokens * tokens * kNumberBytes)),
        fmt::format("take at most {}, or allow more with --max-tokens {}",
                    Count(max_tokens_, "token"), tokens));
  }

  // A number exists as a float, in a JSON document, and in its text. While a layer is computed, a
  // few matrices of some channels exist, too.
  void CheckMemory(const Model& model, const std::vector<int>& layers, int64_t tokens) const {
    constexpr int64_t kDocumentBytes = 16, kTogether = 10;
    int64_t mixers = 0;
    for (const int l : layers) mixers += static_cast<int64_t>(model.layer(l).mixers().size());
    const int64_t pairs = tokens * tokens;
    RequireMemory(
        mixers * matrices() * pairs * (kFloatBytes + kDocumentBytes + kNumberBytes) +
            kTogether * kFloatBytes * std::max(AttentionOptions().floats, pairs),
        fmt::format("the matrices of {} in {}", Count(tokens, "token"), Count(mixers, "mixer")),
        "choose fewer layers with --layer, or take a shorter prompt");
  }

  PromptArguments prompt_;
  int64_t max_tokens_ = 1000;
  std::string layers_;
  std::optional<int64_t> channel_;
  OutputArguments output_;
};

}  // namespace

std::unique_ptr<Command> MakeAttention() { return std::make_unique<AttentionCommand>(); }

}  // namespace mambascope
