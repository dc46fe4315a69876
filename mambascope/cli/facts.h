// What the commands that run over facts share: where the facts come from and how they are
// corrupted.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mambascope/cli/command.h"
#include "mambascope/cli/output.h"
#include "mambascope/experiments/facts/fact_pair.h"
#include "mambascope/experiments/facts/traced_fact.h"
#include "mambascope/jobs/output_folder.h"
#include "mambascope/jobs/result_store.h"
#include "mambascope/jobs/run_description.h"

namespace mambascope {

// How facts are corrupted, and what is read of the runs.
struct CorruptionArguments {
  std::optional<std::string> subject = {};  // of one fact
  std::optional<double> noise = {};         // none: another subject
  std::optional<int> samples = {};
  std::string metric = "p";
  std::optional<std::string> other_answer = {};  // of one fact
};

// --corrupt-subject, --noise and --samples.
void VisitCorruptionOptions(CorruptionArguments& arguments, OptionVisitor& option);

struct FactArguments {
  std::vector<std::string> relations = {}, counterfact = {};          // files and folders
  std::optional<std::string> prompt = {}, subject = {}, answer = {};  // or one fact
  std::optional<int64_t> limit = {};                                  // none: all
  bool all_facts = false;
  std::optional<uint64_t> memory = {};  // bytes; none: a quarter of the machine's
  OutputArguments output = {};
  std::optional<CorruptionArguments> corruption = {};  // none: they are not

  // Whether facts come from data sets.
  bool FromFiles() const { return !relations.empty() || !counterfact.empty(); }
  std::vector<std::string> files() const;
};
// `folder` is the default of --out in words.
void VisitFactOptions(FactArguments& arguments, const std::string& folder, OptionVisitor& option);

// Throws UsageError for options that do not fit each other.
void CheckFacts(const FactArguments& arguments);

// The facts that are asked for, before the model says which of them it knows.
struct AskedFacts {
  std::vector<Fact> facts;            // those of the data sets; none: one fact, given alone
  std::optional<FactPair> one;        // as a model's tokenizer reads it
  std::optional<Noise> noise;         // on the scale of a model's embeddings
  std::vector<std::string> subjects;  // of which the noise takes its scale
  int64_t left_out = 0;               // records of the data that cannot be used
};
// Reads the files of facts, or takes the one fact's subject. No model is needed, so mistakes in
// files are found before one is loaded. Prints warnings. REQUIRES: CheckFacts.
AskedFacts ReadFacts(const CommonArguments& common, const FactArguments& arguments);

// Adds what depends on the model: the tokens of the one fact, and the noise.
void FitFacts(const CommonArguments& common, const FactArguments& arguments, const Model& model,
              const Tokenizer& tokenizer, AskedFacts& asked);

// Adds the noise, and how many records were left out, to the description of a run.
void DescribeFacts(const AskedFacts& asked, RunDescription& run);

// The facts to run.
struct FactWork {
  std::vector<FactPair> pairs;
  std::vector<Fact> facts;               // those of the pairs; none: one fact, given alone
  std::vector<RelationCount> relations;  // none: one fact, given alone
  std::optional<Noise> noise = {};       // as in AskedFacts
};
// A further model that must know the facts of a data set, too.
struct FurtherModel {
  const Model* model;
  const Tokenizer* tokenizer;
};
FactWork ChooseFacts(const CommonArguments& common, const FactArguments& arguments,
                     const AskedFacts& asked, const Model& model, const Tokenizer& tokenizer,
                     const std::vector<FurtherModel>& others = {});

// Gives the fact the texts of its answers' tokens.
void NameAnswers(const Tokenizer& tokenizer, TracedFact& fact);

// The first token of " " + text.
int64_t FirstToken(const Tokenizer& tokenizer, const std::string& text);

// Locks the folder of --out, or else the default one. Its files are NAME.json and NAME.html, and
// for facts of data sets the lines of each of `stores`.
OutputFolder OpenFolder(const std::string& name, const CommonArguments& common,
                        const FactArguments& arguments, const std::string& default_folder,
                        const std::vector<std::vector<std::string>>& stores);

// The stores of one model's results: a file of lines for each part of the facts (such as a site).
class FactStores {
 public:
  // Opens NAME.jsonl for each name and run, for facts of data sets. Results of one fact are not
  // stored. Throws Error where a file has lines of another run. REQUIRES: as many names as runs.
  FactStores(const std::vector<std::string>& names, const CommonArguments& common,
             const FactArguments& arguments, const OutputFolder& folder,
             const std::vector<RunDescription>& runs);
  // [part]; null where results are not stored.
  std::vector<ResultStore*> all();

 private:
  std::vector<std::unique_ptr<ResultStore>> stores_;
};

}  // namespace mambascope
