// A fact as causal tracing and path-specific effects run it: a clean run, and a corrupted run that
// is the base of all variants.
#pragma once

#include <functional>
#include <optional>
#include <span>
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
  std::string answer;  // text of the token answer_id
  double p_clean = 0;
  double p_corrupt = 0;  // mean over the noise samples
  // The other answer of logit differences. None: noise corrupts the prompt and no other answer was
  // given, or both prompts have the same most probable token.
  std::optional<int64_t> other_answer_id = {};
  std::string other_answer = {};  // text of the token other_answer_id
  // The answer's logit less the other answer's, in nats. None without another answer.
  std::optional<double> logit_diff_clean = {}, logit_diff_corrupt = {};
};

// What is read of a run: p(answer), or the logit difference between the answer and another one.
enum class Metric { kProbability, kLogitDiff };

// p(answer) that the corruption takes away, and that a restored state can bring back. Averages
// leave out facts whose effect is below kGuard, because a ratio to it is meaningless.
inline double Effect(const TracedFact& fact) { return fact.p_clean - fact.p_corrupt; }
inline constexpr double kGuard = 0.01;
// The same for logit differences, in nats.
inline constexpr double kLogitGuard = 0.1;

// The metric's value in the corrupted run, and its change from there to the clean run.
struct EffectScale {
  double corrupt = 0, effect = 1;
  // The indirect effect (equation 7) of a patched run's value.
  double operator()(double patched) const { return (patched - corrupt) / effect; }
};
// None for a fact that averages leave out: its effect is below the guard, or it has no other
// answer.
std::optional<EffectScale> ScaleOf(const TracedFact& fact, Metric metric);

// Gaussian noise on the embeddings of the subject's tokens (Meng et al. 2022). The numbers are
// those of NumPy's RandomState(seed).randn, ordered by sample, token and feature. Every fact gets
// the same sequence.
struct Noise {
  double std = 0;
  int samples = 10;
  uint32_t seed = 0;
};

// The unbiased standard deviation over all features of all subjects' embedded tokens. Each subject
// is tokenised alone; GPT-2's embeddings include learned positions. Meng et al. 2022 use noise of 3
// times this value. Throws Error when no subject has a token.
double EmbeddingStd(const Model& model, const Tokenizer& tokenizer,
                    const std::vector<std::string>& subjects);

// For every token of `clean`, the index of its counterpart in `corrupt`, or none. Tokens before and
// after the subject are matched one to one. Inside the subject they are matched from its end
// backwards. Nothing is padded.
std::vector<std::optional<int64_t>> AlignTokens(const Prompt& clean, const Prompt& corrupt);

// The clean runs of some facts, and their corrupted runs as bases of a sweep.
struct FactRuns {
  std::vector<TracedFact> facts;   // p_corrupt and logit_diff_corrupt are not set yet
  RunResult clean;                 // of all facts, with the states at `keep`
  std::vector<SweepBase> corrupt;  // `samples` bases per fact
  size_t samples = 1;
};

// What a variant of a corrupted run predicts, averaged over the samples.
struct VariantMeans {
  double p = 0;                           // p(answer)
  std::optional<double> logit_diff = {};  // none if the fact has no other answer
};
// The means of the variants that all samples of their fact have computed; others are none.
using PartialMeans = std::vector<std::optional<VariantMeans>>;

// Variants of facts' corrupted runs. Each is run in all samples of its fact.
class FactCases {
 public:
  explicit FactCases(const FactRuns& runs) : runs_(runs) {}
  // Returns the variant's index.
  size_t Add(size_t fact, const Variant& variant);
  // Number of variants.
  size_t size() const { return facts_.size(); }
  // The means of each added variant, in the order they were added. Adds to `audit`. `partial` is
  // called after each pass of the sweep.
  std::vector<VariantMeans> Compute(
      const Model& model, CellOptions options, Audit& audit,
      const std::function<void(const PartialMeans&)>& partial = {}) const;

 private:
  // Of one variant's cells, one for each sample.
  VariantMeans MeansOf(size_t variant, std::span<const AnswerCell> samples) const;

  const FactRuns& runs_;
  std::vector<SweepCase> cases_;
  std::vector<int64_t> answers_, others_;
  std::vector<size_t> facts_;  // [variant]
};

// Runs the facts clean, and finds their other answers. Throws Error when a prompt has no subject,
// when answer_id or other_answer_id is outside the model's vocabulary, when both are the same, and
// when the clean runs take more than `memory` bytes.
FactRuns RunFacts(const Model& model, const std::vector<FactPair>& pairs,
                  const std::vector<Place>& keep, const std::optional<Noise>& noise,
                  std::optional<int64_t> memory = {});

}  // namespace mambascope
