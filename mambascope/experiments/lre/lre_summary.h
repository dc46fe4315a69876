// Linear relational embeddings over many relations: what tables, figures and pages say of them (Sharma et al. 2024, Figures 7, 12 and 13).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/lre/relation_result.h"

namespace mambascope {

// In percent.
struct MeanOverRelations {
  double mean = 0;
  std::optional<std::pair<double, double>> interval = {};  // of 95 %, by Student's t, cut at 0 and 100; none of one relation
};

struct LayerSummary {
  int layer = 0;
  MeanOverRelations faithfulness = {}, causality = {};
};

// What was not measured, and why: "NAME", or "NAME, 1 of 3 trials, the first".
struct SkippedPart {
  std::string what, reason;
};

// Over the relations that were measured; without any, there are no means.
struct LreSummary {
  int64_t relations = 0;
  MeanOverRelations faithfulness = {}, causality = {}, chance = {};
  std::vector<LayerSummary> by_layer = {};
  std::vector<SkippedPart> skipped = {};  // relations, then trials of the others
};

struct SkippedRelation {
  std::string name, kind, reason;
};

// What lre.json holds, and its summary.
struct LreResult {
  Json options;                                 // what made it
  std::vector<RelationResult> relations = {};   // those that were measured
  std::vector<SkippedRelation> skipped = {};    // and the others
  LreSummary summary = {};
};

LreSummary SummarizeRelations(const std::vector<RelationResult>& measured, const std::vector<SkippedRelation>& skipped);

// Sorts out the relations that were skipped, and summarizes the others.
LreResult MakeLreResult(const Json& options, const std::vector<RelationResult>& relations);

}  // namespace mambascope
