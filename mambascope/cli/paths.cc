#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "mambascope/cli/commands.h"
#include "mambascope/cli/describe.h"
#include "mambascope/cli/facts_run.h"
#include "mambascope/cli/prompt_warnings.h"
#include "mambascope/experiments/facts/fact_json.h"
#include "mambascope/experiments/tracing/paths_result.h"
#include "mambascope/reports/paths_report.h"
#include "mambascope/reports/result_tables.h"

namespace mambascope {
namespace {

PathToken ReadToken(const std::string& at) {
  return at == "subject_last" ? PathToken::kSubjectLast : PathToken::kPromptLast;
}

class PathsCommand : public Command {
 public:
  void VisitOptions(OptionVisitor& option) override {
    VisitFactOptions(facts_, "out/paths-MODEL-TOKEN", option);
    VisitShardOption(common, option);
    option.Topic("States restored");
    option(&at_, {.names = "--at",
                  .help = "Token whose residual stream is restored. Each of several tokens, as "
                          "subject_last,prompt_last, is restored alone",
                  .bounds = OneOf{{"subject_last", "prompt_last"}},
                  .list = List::kCommas});
    VisitDevicesOption(common, option);
  }
  void VisitModel(OptionVisitor& option) override { VisitModels(models_, option); }
  bool HasCheck() const override { return true; }
  bool HasPlan() const override { return true; }
  bool HasShard() const override { return facts_.FromFiles(); }
  void Check() const override {
    CheckFacts(facts_);
    CheckModels(models_, facts_);
    Refuse(std::set<std::string>(at_.begin(), at_.end()).size() < at_.size(),
           "--at: the same token is given twice");
  }

  void Run() override {
    FactsRun run("paths", common, facts_, models_, at_, fmt::format("{}", fmt::join(at_, "+")),
                 [&](const LoadedModel& one, const AskedFacts& asked) {
                   RunDescription of_model = DescribeRun("paths", *this, one.common);
                   DescribeFacts(asked, of_model);
                   std::vector<RunDescription> runs(at_.size(), of_model);
                   for (size_t t = 0; t < at_.size(); ++t) runs[t].DependsOn("at", at_[t]);
                   return runs;
                 });
    PathsResults results;
    for (size_t m = 0; m < run.models.size(); ++m)
      results.push_back(RunModel(run.models[m], run.work[m], run.runs[m], run.stores[m]));
    WriteResults("paths", common, facts_.output, run.folder,
                 {PathsJson(results), PathsPage(results), PathsText(results),
                  [&] { return MakeTable(results); }});
  }

 private:
  // Returns a result per token.
  std::vector<PathsResult> RunModel(const LoadedModel& one, const FactWork& work,
                                    const std::vector<RunDescription>& runs, FactStores& stores) {
    const std::optional<Noise>& noise = work.noise;
    const int64_t samples = noise ? noise->samples : 1;
    const auto conditions = static_cast<int64_t>(PathConditions(one.model()).size());
    std::vector<std::vector<FactPaths>> paths = RunFacts<FactPaths>(
        models_.size() > 1 ? "paths of " + one.name : "paths", one, facts_, work,
        {.rows = samples * conditions * one.model().layers() * kUsualRows}, stores,
        [&](const Model& model, const std::vector<FactPair>& pairs,
            const std::vector<FactPart>& parts, const CellOptions& cells, Audit& audit) {
          std::vector<PathTask> tasks;
          for (const FactPart& part : parts)
            tasks.push_back({part.fact, ReadToken(at_[part.part])});
          std::vector<FactPaths> found =
              TracePathsFrom(model, pairs, tasks, {.noise = noise, .cells = cells}, audit);
          for (FactPaths& path : found) NameAnswers(one.tokenizer, path.fact);
          return found;
        });
    std::vector<PathsResult> results;
    const Metric metric = ReadMetric(facts_.corruption->metric);
    for (size_t t = 0; t < at_.size(); ++t) {
      PathsResult result{.options = runs[t].options,
                         .name = one.name,
                         .at = at_[t],
                         .conditions = PathConditions(one.model()),
                         .facts = std::move(paths[t]),
                         .relations = work.relations,
                         .metric = metric};
      SummarizePaths(result);
      results.push_back(std::move(result));
    }
    if (!facts_.FromFiles()) {
      WarnOfEffect(one.common, results[0].facts[0].fact);
      CheckOtherAnswer(results[0].facts[0].fact, metric);
    }
    WarnOfNone(one.common, one.name, results[0].facts.size(), results[0].Shown().guarded, metric);
    return results;
  }

  FactArguments facts_ = {.corruption = CorruptionArguments()};
  std::vector<std::string> models_ = {"demo"};
  std::vector<std::string> at_ = {"subject_last"};
};

}  // namespace

std::unique_ptr<Command> MakePaths() { return std::make_unique<PathsCommand>(); }

}  // namespace mambascope
