#include <fmt/format.h>

#include "mambascope/cli/commands.h"
#include "mambascope/cli/describe.h"
#include "mambascope/cli/facts.h"
#include "mambascope/cli/prompt_warnings.h"
#include "mambascope/experiments/tracing/paths_result.h"
#include "mambascope/reports/paths_report.h"

namespace mambascope {
namespace {

class PathsCommand : public Command {
 public:
  void VisitOptions(OptionVisitor& option) override {
    VisitFactOptions(facts_, "out/paths-MODEL-TOKEN", option);
    option.Topic("States restored");
    option(&at_, {.names = "--at",
                  .help = "Token whose residual is restored",
                  .bounds = OneOf{{"subject_last", "prompt_last"}}});
  }
  void Check() const override { CheckFacts(facts_); }

  void Run() override {
    const OutputFolder folder =
        OpenFolder("paths", facts_, DefaultFolder("paths", {common.model}, at_), {"paths"});
    const Tokenizer tokenizer = RequireTokenizer(common);
    const Model model = LoadModel(common, &tokenizer);
    const AskedFacts asked = ReadFacts(common, facts_, model, tokenizer);
    RunDescription run = DescribeRun("paths", *this);
    DescribeFacts(asked, run);
    RefuseOtherRun(folder, "paths", {run.identity}, facts_.output.others());
    std::optional<ResultStore> store = OpenStore("paths", facts_, folder, run);
    const FactWork work = ChooseFacts(common, facts_, asked, model, tokenizer);
    PathsResult result{.options = run.options,
                       .at = at_,
                       .conditions = PathConditions(model),
                       .facts = {},
                       .relations = work.relations};
    PathOptions options{
        .at = at_ == "subject_last" ? PathToken::kSubjectLast : PathToken::kPromptLast,
        .noise = asked.noise,
        .cells = {}};
    result.facts = RunFacts<FactPaths>(
        "paths", common, facts_, model, work, store,
        [&](const std::vector<FactPair>& pairs, const CellOptions& cells, Audit& audit) {
          options.cells = cells;
          std::vector<FactPaths> found = TracePaths(model, pairs, options, audit);
          for (FactPaths& paths : found)
            paths.fact.answer = tokenizer.DecodeToken(paths.fact.answer_id).value_or("");
          return found;
        });
    if (work.facts.empty()) WarnOfEffect(common, result.facts[0].fact);
    result.average = AveragePaths(result.facts);
    WriteResults("paths", common, folder, result, PathsPage(result), PathsText(result));
  }

 private:
  FactArguments facts_ = {.corruption = CorruptionArguments()};
  std::string at_ = "subject_last";
};

}  // namespace

std::unique_ptr<Command> MakePaths() { return std::make_unique<PathsCommand>(); }

}  // namespace mambascope
