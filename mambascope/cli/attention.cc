#include <fmt/format.h>

#include "mambascope/cli/commands.h"
#include "mambascope/cli/describe.h"
#include "mambascope/cli/output.h"
#include "mambascope/error.h"
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
    const Model model = LoadModel(common, tokenizer ? &*tokenizer : nullptr);
    AttentionResult result{.options = run.options, .ids = ids, .texts = {}, .layers = {}};
    result.channel = channel_;
    for (int64_t id : ids)
      result.texts.push_back(tokenizer ? tokenizer->DecodeToken(id) : std::nullopt);
    result.layers = HiddenAttention(model, ids, ParseLayers(layers_, model.layers()),
                                    {.channel = result.channel});
    WriteResults(
        "attention", common, output_, folder,
        {result, AttentionPage(result), AttentionText(result), [&] { return MakeTable(result); }});
  }

 private:
  PromptArguments prompt_;
  std::string layers_;
  std::optional<int64_t> channel_;
  OutputArguments output_;
};

}  // namespace

std::unique_ptr<Command> MakeAttention() { return std::make_unique<AttentionCommand>(); }

}  // namespace mambascope
