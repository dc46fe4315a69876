// What causal tracing and path-specific effects say of a fact, and how they run it: the clean run,
// and the corrupted one that is the base of all variants.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mambascope/experiments/cells.h"
#include "mambascope/experiments/facts/fact_pair.h"
#include "mambascope/intervene/run.h"
#include "mambascope/intervene/sweep.h"

namespace mambascope {

struct TracedFact {
  std::string relation;  // empty: the fact was given alone
  Prompt clean;
  std::optional<Prompt> corrupt;  // none: the clean prompt, with noise on its subject
  int64_t answer_id = 0;
  std::string answer;  // the text of that token
  double p_clean = 0;
  double p_corrupt = 0;  // with noise, the mean over its samples
};

// What a restored state can bring back. Below kGuard a ratio to it says nothing.
inline double Effect(const TracedFact& fact) { return fact.p_clean - fact.p_corrupt; }
inline constexpr double kGuard = 0.01;

// Gaussian noise on the embeddings of the subject's tokens (Meng et al. 2022). Sample by sample,
// token by token and feature by feature as NumPy's RandomState(seed).randn draws it, the same for
// every fact.
struct Noise {
  double std = 0;
  int samples = 10;
  uint32_t seed = 0;
};

// The standard deviation (unbiased) over all features of the embedded tokens of all subjects, each
// tokenised alone (for GPT-2 with their learned positions). Meng et al. 2022 take noise of 3 times
// that. REQUIRES: a subject.
double EmbeddingStd(const Model& model, const Tokenizer& tokenizer,
                    const std::vector<std::string>& subjects);

// For every token of `clean`, its counterpart in `corrupt`: one to one before the subject, from the
// subject's end backwards inside it, and one to one after it. Never by padding.
std::vector<std::optional<int64_t>> AlignTokens(const Prompt& clean, const Prompt& corrupt);

// Some facts' clean runs, and their corrupted ones as base runs of a sweep.
struct FactRuns {
  std::vector<TracedFact> facts;   // p_corrupt is still to come
  RunResult clean;                 // of all facts, with the states at `keep`
  std::vector<SweepBase> corrupt;  // samples of them per fact, one without noise
  size_t samples = 1;
};

// Variants of facts' corrupted runs: each in all of a fact's samples.
class FactCases {
 public:
  explicit FactCases(const FactRuns& runs) : runs_(runs) {}
  void Add(size_t fact, const Variant& variant);
  // p(answer) of each that was added, in their order, the mean over its samples. Adds to `audit`.
  std::vector<double> Probabilities(const Model& model, const CellOptions& options,
                                    Audit& audit) const;

 private:
  const FactRuns& runs_;
  std::vector<SweepCase> cases_;
  std::vector<int64_t> answers_;
};

// Runs the facts clean. Throws Error when a prompt has no subject, or the model no token answer_id.
FactRuns RunFacts(const Model& model, const std::vector<FactPair>& pairs,
                  const std::vector<Place>& keep, const std::optional<Noise>& noise);

}  // namespace mambascope
