// Means over relations, as tables, figures and pages show them (Sharma et al. 2024, Figures 7, 12
// and 13).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/lre/relation_result.h"

namespace mambascope {

// A mean in percent. The interval is the 95 % one by Student's t, cut off at 0 and 100; none for
// one relation.
struct MeanOverRelations {
  double mean = 0;
  std::optional<std::pair<double, double>> interval = {};
};

struct LayerSummary {
  int layer = 0;
  MeanOverRelations faithfulness = {}, causality = {};
};

// A part that was not measured. `what` is "NAME", or "NAME (1 of 3 trials, reason of the first)".
struct SkippedPart {
  std::string what, reason;
};

// Summary of the relations that were measured. Without any, the means are not set.
struct LreSummary {
  int64_t relations = 0;
  MeanOverRelations faithfulness = {}, causality = {}, chance = {};
  std::vector<LayerSummary> by_layer = {};
  std::vector<SkippedPart> skipped = {};  // relations, then trials of measured relations
};

struct SkippedRelation {
  std::string name, kind, reason;
};

// Contents of lre.json, and their summary.
struct LreResult {
  Json options;                                // the run's options (RunDescription)
  std::vector<RelationResult> relations = {};  // those that were measured
  std::vector<SkippedRelation> skipped = {};   // the others
  LreSummary summary = {};
};

LreSummary SummarizeRelations(const std::vector<RelationResult>& measured,
                              const std::vector<SkippedRelation>& skipped);

// The layers that the done trials of a relation chose, each once, ascending. `layer` is the most
// faithful layer (&TrialResult::layer) or the most causal one (&TrialResult::causal_layer).
std::vector<int> ChosenLayers(const RelationResult& relation, int TrialResult::*layer);

// The layer at which the mean over trials of `measure` is highest; the first of several.
// REQUIRES: by_layer is not empty.
const LayerResult& BestLayer(const RelationResult& relation, MeanOverTrials LreMeans::*measure);

// Separates the relations that were skipped, and summarizes the others.
LreResult MakeLreResult(const Json& options, const std::vector<RelationResult>& relations);

}  // namespace mambascope
