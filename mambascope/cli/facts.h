// What the commands that run over facts share: where the facts come from, how they are corrupted,
// and how their jobs run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mambascope/cli/command.h"
#include "mambascope/experiments/facts/fact_pair.h"
#include "mambascope/experiments/facts/traced_fact.h"
#include "mambascope/jobs/fact_job.h"
#include "mambascope/jobs/output_folder.h"
#include "mambascope/jobs/run_description.h"

namespace mambascope {

// How facts are corrupted.
struct CorruptionArguments {
  std::optional<std::string> subject = {};  // of one fact
  std::optional<double> noise = {};         // none: another subject
  std::optional<int> samples = {};
};

struct FactArguments {
  std::vector<std::string> relations = {}, counterfact = {};          // files and folders
  std::optional<std::string> prompt = {}, subject = {}, answer = {};  // or one fact
  std::optional<int64_t> limit = {};                                  // none: all
  bool all_facts = false;
  std::optional<uint64_t> memory = {};  // bytes; none: a quarter of the machine's
  std::string out = "out";
  std::optional<CorruptionArguments> corruption = {};  // none: they are not

  // Whether facts come from data sets.
  bool FromFiles() const { return !relations.empty() || !counterfact.empty(); }
};
void VisitFactOptions(FactArguments& arguments, OptionVisitor& option);

// Throws UsageError for options that do not fit each other.
void CheckFacts(const FactArguments& arguments);

// The facts to run.
struct FactWork {
  std::vector<FactPair> pairs;
  std::vector<Fact> facts;               // those of the pairs; none: one fact, given alone
  std::vector<RelationCount> relations;  // none: one fact, given alone
  std::optional<Noise> noise;
  int64_t left_out = 0;  // records of the data that cannot be used
};
// A further model that must know the facts of a data set, too.
struct FurtherModel {
  const Model* model;
  const Tokenizer* tokenizer;
};
// REQUIRES: CheckFacts.
FactWork TakeFacts(const CommonArguments& common, const FactArguments& arguments,
                   const Model& model, const Tokenizer& tokenizer,
                   const std::vector<FurtherModel>& others = {});

// One fact of --prompt and --subject.
FactPair OneFact(const FactArguments& arguments, const Tokenizer& tokenizer);

// The first token of " " + text.
int64_t FirstToken(const Tokenizer& tokenizer, const std::string& text);

// Adds the noise, and how many records were left out, to the description of a run.
void DescribeFacts(const FactWork& work, RunDescription& run);

// The results of all facts, some at a time. Those of a data set go to NAME.jsonl as they come.
// Prints the plan for --explain, and for
// --check the largest difference.
template <typename Result>
std::vector<Result> RunFacts(const std::string& name, const CommonArguments& common,
                             const FactArguments& arguments, const Model& model,
                             const FactWork& work, const OutputFolder& folder,
                             const RunDescription& run, const FactBatch<Result>& batch);

// Writes NAME.json and NAME.html; prints `json`, or `text` and the names of the two.
void WriteResults(const std::string& name, const CommonArguments& common,
                  const OutputFolder& folder, const Json& json, const std::string& page,
                  const std::string& text);

// ---- what RunFacts is made of

FactJobOptions JobOptions(const std::string& name, const CommonArguments& common,
                          const FactArguments& arguments, const Model& model);
void ReportJob(const CommonArguments& common, const Audit& audit, size_t facts, size_t already);

template <typename Result>
std::vector<Result> RunFacts(const std::string& name, const CommonArguments& common,
                             const FactArguments& arguments, const Model& model,
                             const FactWork& work, const OutputFolder& folder,
                             const RunDescription& run, const FactBatch<Result>& batch) {
  FactJobOptions options = JobOptions(name, common, arguments, model);
  std::optional<ResultStore> store;
  if (!work.relations.empty())
    options.store = &store.emplace(folder / (name + ".jsonl"), run.identity);
  FactJobResult<Result> job = RunFactJob<Result>(work.pairs, options, batch);
  ReportJob(common, job.audit, work.pairs.size(), job.already);
  return std::move(job.results);
}

}  // namespace mambascope
