// This is a relation's linear embedding as result files, tables and pages have it. It holds what
// was chosen of the grid that LreRelation holds whole. Shares are in percent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mambascope/data/relation.h"
#include "mambascope/experiments/lre/lre.h"

namespace mambascope {

struct MeanOverTrials {
  double mean = 0;
  std::optional<double> std = {};  // population standard deviation; none of one trial
};

// These are means over the trials that were done, each at its own choice of beta and rank.
struct LreMeans {
  MeanOverTrials faithfulness = {}, faithfulness_in_3 = {}, causality = {}, identity = {},
                 translation = {}, regression = {};
  double beta = 0, rank = 0;
};

struct LayerResult {
  int layer = 0;
  LreMeans means = {};
};

// One layer in one trial, at its chosen beta and rank.
struct TrialLayer {
  int layer = 0;
  double faithfulness = 0, faithfulness_in_3 = 0, causality = 0;
  double identity = 0, translation = 0, regression = 0;
  double beta = 0;
  int64_t rank = 0;
  // Beta and the rank were chosen on these; there are none with the published protocol.
  std::optional<double> held_out_faithfulness = {}, training_causality = {};
};

struct TrialResult {
  std::vector<Sample> train = {};   // what the operator is made from
  std::string skipped = {};         // why there is nothing more; empty: it was done
  int64_t known = 0;                // of the samples that are not trained on
  int64_t tested = 0;               // of these, up to the limit
  int64_t edited = 0;               // of these, those that can be
  double majority = 0;              // share of the tested with the relation's most frequent object
  int layer = 0, causal_layer = 0;  // the chosen ones
  std::vector<TrialLayer> by_layer = {};
};

struct RelationResult {
  std::string name = {}, kind = {};
  std::string pattern = {};  // the prompt, with one {} for the subject
  int64_t samples = 0;
  int64_t range = 0;                // objects of all samples
  std::string skipped = {};         // why no trial was done; empty: one was, at least
  double chance = 0;                // 100 / range
  double known = 0;                 // mean over trials
  int layer = 0, causal_layer = 0;  // those that most trials chose
  // Each trial stands at its own layers: causality and the rank at its causal layer, all else at
  // its layer.
  LreMeans chosen = {};
  // These are 95 % intervals over trials, cut at 0 and 100.
  std::optional<std::pair<double, double>> faithfulness_interval = {}, causality_interval = {};
  std::vector<LayerResult> by_layer = {};
  std::vector<TrialResult> trials = {};
};

// Cuts the result out of what was measured of `relation`.
RelationResult MakeRelationResult(const LreRelation& measured, const Relation& relation);

// Returns what the operator is made of that stands for a relation: the first trial that was done,
// at its most faithful layer. REQUIRES: the relation was measured
LreChoice ChosenOperator(const RelationResult& result);

}  // namespace mambascope
