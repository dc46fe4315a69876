// These are the means over relations that tables, figures and pages show (Sharma et al. 2024,
// Figures 7, 12 and 13).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/lre/relation_result.h"

namespace mambascope {

// A mean is in percent. Its interval is the 95 % one by Student's t, cut at 0 and 100; one relation
// has none.
struct MeanOverRelations {
  double mean = 0;
  std::optional<std::pair<double, double>> interval = {};
};

struct LayerSummary {
  int layer = 0;
  MeanOverRelations faithfulness = {}, causality = {};
};

// This was not measured: "NAME", or "NAME, 1 of 3 trials, the first".
struct SkippedPart {
  std::string what, reason;
};

// The summary is over the relations that were measured; without any, there are no means.
struct LreSummary {
  int64_t relations = 0;
  MeanOverRelations faithfulness = {}, causality = {}, chance = {};
  std::vector<LayerSummary> by_layer = {};
  std::vector<SkippedPart> skipped = {};  // relations, then trials of the others
};

struct SkippedRelation {
  std::string name, kind, reason;
};

// This is what lre.json holds, and its summary.
struct LreResult {
  Json options;                                // what made it
  std::vector<RelationResult> relations = {};  // those that were measured
  std::vector<SkippedRelation> skipped = {};   // and the others
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

// Sorts out the relations that were skipped, and summarizes.
LreResult MakeLreResult(const Json& options, const std::vector<RelationResult>& relations);

}  // namespace mambascope
