#include "mambascope/experiments/tracing/paths.h"

#include <fmt/format.h>

#include "mambascope/cli/commands.h"
#include "mambascope/cli/facts.h"
#include "mambascope/reports/fact_json.h"
#include "mambascope/reports/paths_report.h"
#include "mambascope/figures/terminal.h"

namespace mambascope {
namespace {

struct PathsArguments {
  FactOptions facts;
  std::string at = "subject_last";
};

// The curves as rows of a heat map, for a terminal.
Grid CurveGrid(const LineChart& chart) {
  Grid grid{.row_title = "severed", .column_title = "layer", .columns = chart.x, .domain = {{0.0, 1.0}}};
  for (const Curve& curve : chart.curves) {
    grid.rows.push_back(curve.name);
    grid.values.push_back(curve.values);
  }
  return grid;
}

std::string Summary(const PathsResult& result, const FactWork& work) {
  const PathAverage average = AveragePaths(result.facts);
  std::string facts = FactsText(work);
  if (result.facts.size() == 1) facts = FactText(result.facts[0].fact);
  const std::string left_out = fmt::format("{} of them left out (p_clean - p_corrupt below {})\n", average.guarded, kGuard);
  return fmt::format("{}{}IE by layer, {}:\n{}\n", facts, result.facts.size() > 1 ? left_out : "", result.at,
                     TerminalHeatMap(CurveGrid(PathsChart(result))));
}

void RunPaths(const CommonOptions& common, const PathsArguments& o) {
  PrepareFacts(o.facts, "paths");
  const Tokenizer tokenizer = RequireTokenizer(common);
  const Model model = LoadModel(common);
  const FactWork work = TakeFacts(common, o.facts, model, tokenizer);
  PathsResult result{.options = EchoOptions("paths", common, EchoFactOptions(o.facts, work)),
                     .at = o.at,
                     .conditions = PathConditions(model),
                     .facts = {}};
  result.options["at"] = o.at;
  PathOptions options{.at = o.at == "subject_last" ? PathToken::kSubjectLast : PathToken::kPromptLast, .noise = work.noise, .cells = {}};
  const std::vector<Json> lines = RunBatches("paths", common, o.facts, model, work, result.options,
                                             [&](const std::vector<FactPair>& pairs, const CellOptions& cells, Audit& audit) {
                                               options.cells = cells;
                                               std::vector<Json> found;
                                               for (FactPaths& paths : TracePaths(model, pairs, options, audit)) {
                                                 paths.fact.answer = tokenizer.DecodeToken(paths.fact.answer_id).value_or("");
                                                 found.push_back(ToJson(paths, result.conditions));
                                               }
                                               return found;
                                             });
  for (const Json& line : lines) result.facts.push_back(ReadPaths(line, result.conditions));
  result.relations = work.relations;
  WriteResults("paths", common, o.facts, PathsJson(result), PathsPage(result), Summary(result, work));
}

}  // namespace

void Paths(CLI::App& command, CommonOptions& common) {
  const auto o = std::make_shared<PathsArguments>();
  AddFactOptions(command, o->facts);
  AddCorruptionOptions(command, o->facts);
  command.add_option("--at", o->at, "the token whose residual is restored")
      ->check(CLI::IsMember({"subject_last", "prompt_last"}))
      ->capture_default_str();
  command.callback([&common, o] { RunPaths(common, *o); });
}

}  // namespace mambascope
