// Result of one relation, as result files, tables and pages have it. It holds the chosen cells of
// LreRelation's grid. Shares are in percent.
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
  std::optional<double> std = {};  // population standard deviation; none for one trial
};

// Means over the trials that were not skipped, each at its own choice of beta and rank.
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
  // Shares that beta and rank were chosen by; none with the published protocol.
  std::optional<double> held_out_faithfulness = {}, training_causality = {};
};

struct TrialResult {
  std::vector<Sample> train = {};   // samples that the operator is made from
  std::string skipped = {};         // why the trial was skipped; empty: it was not
  int64_t known = 0;                // known samples, without the training ones
  int64_t tested = 0;               // known samples that were tested, up to the limit
  int64_t edited = 0;               // tested samples that can be edited to another
  double majority = 0;              // share of tested samples with the relation's commonest object
  int layer = 0, causal_layer = 0;  // chosen for faithfulness and causality
  std::vector<TrialLayer> by_layer = {};
};

struct RelationResult {
  std::string name = {}, kind = {};
  std::string pattern = {};  // the prompt, with one {} for the subject
  int64_t samples = 0;
  int64_t range = 0;                // number of distinct objects
  std::string skipped = {};         // why no trial was measured; empty: at least one was
  double chance = 0;                // 100 / range
  double known = 0;                 // mean over trials
  int layer = 0, causal_layer = 0;  // those that most trials chose
  // Means with each trial at its own layers. Causality and rank are taken at its causal layer, the
  // others at its layer.
  LreMeans chosen = {};
  // 95 % intervals over trials, cut off at 0 and 100.
  std::optional<std::pair<double, double>> faithfulness_interval = {}, causality_interval = {};
  std::vector<LayerResult> by_layer = {};
  std::vector<TrialResult> trials = {};
};

// Makes the result from the measurements of `relation`.
RelationResult MakeRelationResult(const LreRelation& measured, const Relation& relation);

// Returns the choices for the one operator that represents a relation. They are those of the first
// measured trial, at its most faithful layer. REQUIRES: the relation was measured
LreChoice ChosenOperator(const RelationResult& result);

}  // namespace mambascope
