// What the commands that run over facts share: where the facts come from, how they are corrupted, and results that are on disk as they
// come.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "mambascope/cli/common.h"
#include "mambascope/experiments/cells.h"
#include "mambascope/experiments/facts/fact_pair.h"
#include "mambascope/experiments/facts/traced_fact.h"

namespace mambascope {

// How facts are corrupted.
struct CorruptionOptions {
  std::optional<std::string> subject;  // of one fact
  double noise = 0;                    // 0: another subject
  std::optional<int> samples;
};

struct FactOptions {
  std::vector<std::string> relations, counterfact;     // files and folders
  std::optional<std::string> prompt, subject, answer;  // or one fact
  int64_t limit = 0;
  bool all_facts = false;
  std::optional<uint64_t> memory;  // bytes; none: a quarter of the machine's
  std::string out = "out";
  std::optional<CorruptionOptions> corruption;  // none: they are not
};
void AddFactOptions(CLI::App& command, FactOptions& options);
// For commands that corrupt facts.
void AddCorruptionOptions(CLI::App& command, FactOptions& options);

// Throws CLI::ValidationError for options that do not fit each other, and Error where OUT/NAME.json and OUT/NAME.html cannot be written.
void PrepareFacts(const FactOptions& options, const std::string& name);

// The facts to run.
struct FactWork {
  std::vector<FactPair> pairs;
  std::vector<Fact> facts;               // those of the pairs; none: one fact, given alone
  std::vector<RelationCount> relations;  // none: one fact, given alone
  std::optional<Noise> noise;
};
// With a data set the facts that `others` know, too. REQUIRES: PrepareFacts.
using Knower = std::pair<const Model*, const Tokenizer*>;
FactWork TakeFacts(const CommonOptions& common, const FactOptions& options, const Model& model, const Tokenizer& tokenizer,
                   const std::vector<Knower>& others = {});

// One fact of --prompt and --subject.
FactPair OneFact(const FactOptions& options, const Tokenizer& tokenizer);

// The first token of " " + text.
int64_t FirstToken(const Tokenizer& tokenizer, const std::string& text);

// The options in result files.
Json EchoFactOptions(const FactOptions& options, const FactWork& work);

// Results of some facts, as lines; adds to the audit.
using FactBatch = std::function<std::vector<Json>(const std::vector<FactPair>& pairs, const CellOptions& options, Audit& audit)>;

// Runs `batch` over all facts, a few at a time, and returns their lines in order. Those of a data set go to OUT/NAME.jsonl as they come,
// and the ones that are there already are not run again; `echo` says what they were made by. Prints the plan for --explain, and for
// --check the largest difference; throws Error where that is no rounding.
std::vector<Json> RunBatches(const std::string& name, const CommonOptions& common, const FactOptions& options, const Model& model,
                             const FactWork& work, const Json& echo, const FactBatch& batch);

// Writes OUT/NAME.json and OUT/NAME.html; prints `json`, or `text` and the names of the two.
void WriteResults(const std::string& name, const CommonOptions& common, const FactOptions& options, const Json& json,
                  const std::string& page, const std::string& text);

// One fact's prompt, answer and probabilities, for a terminal.
std::string FactText(const TracedFact& fact);

// "12 facts", and a line per relation; empty for one fact, given alone.
std::string FactsText(const FactWork& work);

}  // namespace mambascope
