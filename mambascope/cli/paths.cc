#include "mambascope/experiments/tracing/paths_result.h"

#include <fmt/format.h>

#include "mambascope/cli/commands.h"
#include "mambascope/cli/describe.h"
#include "mambascope/cli/facts.h"
#include "mambascope/reports/paths_report.h"
#include "mambascope/figures/terminal.h"

namespace mambascope {
namespace {

// The curves as rows of a heat map, for a terminal.
Grid CurveGrid(const LineChart& chart) {
  Grid grid{.row_title = "severed", .column_title = "layer", .columns = chart.x, .domain = {{0.0, 1.0}}};
  for (const Curve& curve : chart.curves) {
    grid.rows.push_back(curve.name);
    grid.values.push_back(curve.values);
  }
  return grid;
}

std::string PathsText(const PathsResult& result, const FactWork& work) {
  std::string facts = FactsText(work);
  if (result.facts.size() == 1) facts = FactText(result.facts[0].fact);
  const std::string left_out = fmt::format("{} of them left out (p_clean - p_corrupt below {})\n", result.average.guarded, kGuard);
  return fmt::format("{}{}IE by layer, {}:\n{}\n", facts, result.facts.size() > 1 ? left_out : "", result.at,
                     TerminalHeatMap(CurveGrid(PathsChart(result))));
}

class PathsCommand : public Command {
 public:
  void VisitOptions(OptionVisitor& option) override {
    VisitFactOptions(facts_, option);
    option(&at_, {.names = "--at",
                  .help = "Token whose residual is restored",
                  .bounds = OneOf{{"subject_last", "prompt_last"}}});
  }
  void Check() const override { CheckFacts(facts_); }

  void Run() override {
    const OutputFolder folder(facts_.out, {"paths.json", "paths.html"});
    const Tokenizer tokenizer = RequireTokenizer(common);
    const Model model = LoadModel(common);
    const FactWork work = TakeFacts(common, facts_, model, tokenizer);
    RunDescription run = DescribeRun("paths", *this);
    DescribeNoise(work, run);
    PathsResult result{
        .options = run.options, .at = at_, .conditions = PathConditions(model), .facts = {}, .relations = work.relations};
    PathOptions options{.at = at_ == "subject_last" ? PathToken::kSubjectLast : PathToken::kPromptLast, .noise = work.noise, .cells = {}};
    result.facts = RunFacts<FactPaths>("paths", common, facts_, model, work, folder, run,
                                       [&](const std::vector<FactPair>& pairs, const CellOptions& cells, Audit& audit) {
                                         options.cells = cells;
                                         std::vector<FactPaths> found = TracePaths(model, pairs, options, audit);
                                         for (FactPaths& paths : found)
                                           paths.fact.answer = tokenizer.DecodeToken(paths.fact.answer_id).value_or("");
                                         return found;
                                       });
    result.average = AveragePaths(result.facts);
    WriteResults("paths", common, folder, result, PathsPage(result), PathsText(result, work));
  }

 private:
  FactArguments facts_ = {.corruption = CorruptionArguments()};
  std::string at_ = "subject_last";
};

}  // namespace

std::unique_ptr<Command> MakePaths() { return std::make_unique<PathsCommand>(); }

}  // namespace mambascope
