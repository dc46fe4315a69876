// Path-specific effects (Sharma et al. 2024, section 3.3, Figures 5 and 10). The clean run's
// residual stream is restored at one token and layer. Then one part of the mixer is held at that
// token, in all layers, at its value in the corrupted run. The effect that this severing removes
// flowed through that part.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "mambascope/experiments/cells.h"
#include "mambascope/experiments/facts/traced_fact.h"

namespace mambascope {

// The token whose residual stream is restored.
enum class PathToken { kSubjectLast, kPromptLast };

struct PathOptions {
  PathToken at = PathToken::kSubjectLast;
  std::optional<Noise> noise = {};  // for pairs without another subject
  CellOptions cells = {};
};

// The conditions: "recovery" severs nothing; the others are the sites that are held.
inline constexpr std::array<const char*, 7> kPathConditions = {
    "recovery", "ssm_out", "gate", "mixer_out", "mamba_out", "attn_out", "mlp_out"};

// The conditions that a model has, in that order. A state-space model has recovery, ssm_out, gate
// and mixer_out; a transformer has recovery, mixer_out (attention) and mlp_out. In a hybrid,
// mamba_out and attn_out hold the output of one kind of mixer.
std::vector<std::string> PathConditions(const Model& model);

struct FactPaths {
  TracedFact fact;
  std::vector<std::string> conditions;
  // p(answer), [condition][layer], averaged over the noise samples.
  std::vector<std::vector<double>> probs;
  // The logit difference, as `probs`. Empty if the fact has no other answer.
  std::vector<std::vector<double>> logit_diff = {};
};

// One fact (an index) and the token whose residual stream is restored.
struct PathTask {
  size_t pair = 0;
  PathToken at = PathToken::kSubjectLast;
};

// Runs facts from tokens, all in one sweep. Tasks of one fact share its clean and corrupted runs.
// Ignores `options.at`. Returns paths per task. Throws Error as RunFacts does.
std::vector<FactPaths> TracePathsFrom(const Model& model, const std::vector<FactPair>& pairs,
                                      const std::vector<PathTask>& tasks,
                                      const PathOptions& options, Audit& audit);

// Runs all facts from one token in one sweep. Throws Error as RunFacts does.
std::vector<FactPaths> TracePaths(const Model& model, const std::vector<FactPair>& pairs,
                                  const PathOptions& options, Audit& audit);

struct PathAverage {
  std::vector<std::vector<std::optional<double>>> ie;  // [condition][layer], equation 7
  // The 95 % intervals of ie over facts.
  std::vector<std::vector<std::optional<std::pair<double, double>>>> ci95 = {};
  int64_t facts = 0;
  int64_t guarded = 0;  // facts left out (ScaleOf)
};
PathAverage AveragePaths(const std::vector<FactPaths>& facts, Metric metric = Metric::kProbability);

}  // namespace mambascope
