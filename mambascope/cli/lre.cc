// Linear relational embeddings of relations (experiments/lre/lre.h), one after the other; results
// are on disk as they come.
#include "mambascope/experiments/lre/lre.h"

#include <fmt/format.h>

#include <algorithm>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/cli/commands.h"
#include "mambascope/cli/describe.h"
#include "mambascope/cli/interrupt.h"
#include "mambascope/cli/lre_apply.h"
#include "mambascope/cli/lre_setup.h"
#include "mambascope/cli/output.h"
#include "mambascope/cli/progress.h"
#include "mambascope/experiments/lre/lre_json.h"
#include "mambascope/jobs/job.h"
#include "mambascope/plural.h"
#include "mambascope/reports/lre_report.h"
#include "mambascope/reports/result_tables.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

// All of a relation that its line depends on.
std::string RelationDigest(const Relation& relation) {
  return FingerprintText(
      DumpJson({relation.name, relation.prompt_templates[0], relation.properties.relation_type,
                SamplesJson(relation.samples)}));
}

void ExplainLre(const LreOptions& options, size_t relations, size_t done) {
  PrintLine(fmt::format(
      "plan: {} ({} already computed), {} each. A trial takes the Jacobians of {} at {}, by one "
      "backward sweep per prompt. Then one sweep makes all edits at all layers and ranks\n",
      Count(relations, "relation"), done, Count(options.trials, "trial"),
      Count(options.layers.size(), "layer"), Count(options.train, "prompt")));
}

// Writes the operators that --save asks for, made again from their lines; returns the files.
std::string SaveOperators(const CommonArguments& common, const LreArguments& a,
                          const OutputFolder& folder, const Model& model,
                          const Tokenizer& tokenizer, const std::vector<Relation>& relations,
                          const LreOptions& options, const std::vector<RelationResult>& results) {
  const auto is_wanted = [&](const std::string& name) {
    return std::any_of(a.save.begin(), a.save.end(),
                       [&](const std::string& save) { return save == "all" || save == name; });
  };
  const Progress progress({.what = "lre: operators to save"}, common.progress());
  const std::string fingerprint = ModelFingerprint(common);
  std::string files;
  for (size_t i = 0; i < relations.size(); ++i) {
    const Relation& relation = relations[i];
    const RelationResult& result = results[i];
    if (!is_wanted(relation.name) || !result.skipped.empty()) continue;
    const LreChoice choice = ChosenOperator(result);
    const LreOperator lre = MakeOperator(model, tokenizer, relation, choice, options);
    const fs::path file = folder / OperatorFile(relation.name);
    PrepareFile(file);
    WriteLre(file, {lre, choice.rank, relation.name, fingerprint, relation.prompt_templates[0],
                    choice.train, options.train_prompts.prefix});
    files += file.string() + "\n";
  }
  return files;
}

class LreCommand : public Command {
 public:
  void VisitOptions(OptionVisitor& option) override {
    VisitLreOptions(a_, option);
    VisitShardOption(common, option);
  }
  void VisitCompat(OptionVisitor& /*option*/) override {}  // among its own
  bool HasPlan() const override { return !a_.apply; }
  bool HasShard() const override { return !a_.apply; }
  void Check() const override { CheckLreOptions(a_); }
  void Run() override {
    common.compat = a_.compat;
    if (a_.apply) ApplyLre(common, a_);
    else Measure();
  }

 private:
  // Shards of a run divide the same relations. The result of a whole run keeps their order.
  static void MentionRelations(const std::vector<Relation>& all, RunDescription& run) {
    std::vector<std::string> names;
    for (const Relation& relation : all) names.push_back(relation.name);
    run.MentionsList(all, RelationDigest);
    run.Mentions("relation_order", names);
  }

  void Measure() {
    const OutputFolder folder = OpenOutput(common, a_.output, DefaultFolder("lre", {common.model}),
                                           {"lre.json", "lre.html", "lre.jsonl"});
    const std::vector<Relation> all = TakeRelations(common, a_);
    const std::vector<Relation> relations =
        common.shard ? common.shard->Take(all, "relations") : all;
    const Tokenizer tokenizer = RequireTokenizer(common);
    const Model model = LoadModel(common, &tokenizer);
    const LreOptions options = MakeLreOptions(common, a_, model);
    RunDescription run = DescribeRun("lre", *this);
    run.DependsOn("seed", options.seed);
    run.DependsOn("prefix", options.train_prompts.prefix);
    if (common.shard) MentionRelations(all, run);
    RefuseOtherRun(folder, "lre", {run.identity}, a_.output.others());
    ResultStore store(folder / "lre.jsonl", run.identity, a_.output.others(), ListenerOf(common));
    const std::vector<RelationResult> results =
        MeasureRelations(model, tokenizer, relations, options, store);
    const LreResult result = MakeLreResult(run.options, results);
    const std::string saved =
        SaveOperators(common, a_, folder, model, tokenizer, relations, options, results);
    WriteResults(
        "lre", common, a_.output, folder,
        {result, LrePage(result), LreText(result) + saved, [&] { return MakeTable(result); }});
  }

  std::vector<RelationResult> MeasureRelations(const Model& model, const Tokenizer& tokenizer,
                                               const std::vector<Relation>& relations,
                                               LreOptions options, ResultStore& store) const {
    Job<Relation, RelationResult> job{.key = RelationDigest,
                                      .run = {},
                                      .store = &store,
                                      .progress = ShowProgress(common, "lre: relations", "")};
    job.run = [&](const std::vector<Relation>& some, const BatchReport<RelationResult>& report) {
      options.progress = [&](double share) { report.progress(share, 0); };
      report.stage(some.at(0).name);
      const Relation& relation = some.at(0);
      return std::vector<RelationResult>{
          MakeRelationResult(MeasureRelation(model, tokenizer, relation, options), relation)};
    };
    if (common.explain) ExplainLre(options, relations.size(), CountDone(job, relations));
    return RunJob(job, relations);
  }

  LreArguments a_;
};

}  // namespace

std::unique_ptr<Command> MakeLre() { return std::make_unique<LreCommand>(); }

}  // namespace mambascope
