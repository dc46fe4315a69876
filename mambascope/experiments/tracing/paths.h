// Path-specific effects (Sharma et al. 2024, section 3.3, Figures 5 and 10): the clean run's
// residual is restored at one token and layer, and one kind of path from that token onwards is
// severed: a part of the mixer is held, at that token, at its value in the corrupted run in all
// layers. What the severed run loses against the restored one flowed through that part.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "mambascope/experiments/cells.h"
#include "mambascope/experiments/facts/traced_fact.h"

namespace mambascope {

// The token whose residual is restored.
enum class PathToken { kSubjectLast, kPromptLast };

struct PathOptions {
  PathToken at = PathToken::kSubjectLast;
  std::optional<Noise> noise = {};  // of pairs without another subject
  CellOptions cells = {};
};

// What can be severed: nothing ("recovery"), or a site's state.
inline constexpr std::array<const char*, 5> kPathConditions = {"recovery", "ssm_out", "gate",
                                                               "mixer_out", "mlp_out"};

// The conditions of a model, in that order: recovery, ssm_out, gate and mixer_out of a state-space
// model; recovery, mixer_out (attention) and mlp_out of a transformer.
std::vector<std::string> PathConditions(const Model& model);

struct FactPaths {
  TracedFact fact;
  std::vector<std::string> conditions;
  std::vector<std::vector<double>>
      probs;  // p(answer), [condition][layer]; with noise the mean over its samples
};

// All facts in one sweep. Throws Error when a prompt has no subject, or the model no token
// answer_id.
std::vector<FactPaths> TracePaths(const Model& model, const std::vector<FactPair>& pairs,
                                  const PathOptions& options, Audit& audit);

struct PathAverage {
  std::vector<std::vector<std::optional<double>>> ie;  // [condition][layer], equation 7
  std::vector<std::vector<std::optional<std::pair<double, double>>>> ci95 =
      {};  // of ie, over facts
  int64_t facts = 0;
  int64_t guarded = 0;  // facts left out since p_clean - p_corrupt is below kGuard
};
PathAverage AveragePaths(const std::vector<FactPaths>& facts);

}  // namespace mambascope
