// What is measured of a relation (lre.h), and how.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "mambascope/data/relation.h"
#include "mambascope/experiments/lre/relation_prompt.h"
#include "mambascope/experiments/statistics.h"
#include "mambascope/model/kernels/batch_sizes.h"

namespace mambascope {

struct LreOptions {
  int64_t train = 5;                // samples that an operator is made from, 2 or more
  int64_t trials = 3;               // splits
  std::vector<int> layers = {};     // none: the embedding and every block
  std::vector<double> betas = {};   // none: 0, 0.25, .., 5
  std::vector<int64_t> ranks = {};  // none: 0, 8, .., 312, up to d_model
  // kHeldOut: layers, beta and the rank are chosen on the training samples, each said by the
  // operator that the others' prompts make (which show it as an example), and edited to each of the
  // others, so that the scores are of samples that nothing was chosen on. No tested sample has a
  // training one's subject, or is tested twice; the limit draws; what the model says of a sample is
  // never what it is to be edited to. kPublished, as the public implementation has it: all are
  // chosen on the test samples, the layers by the means over trials; samples with a training one's
  // subject, repeated ones, and edits to objects that begin with the same token are tested too; the
  // limit takes the first by subject.
  enum class Protocol { kHeldOut, kPublished } protocol = Protocol::kHeldOut;
  RelationPromptOptions train_prompts = {}, test_prompts = {};
  int64_t limit = 0;                // test samples of a trial at most; 0: all
  uint64_t seed = 123456;           // of each relation's splits and edit targets
  int64_t memory = kDefaultMemory;  // bytes that passes may take, beside the weights, the operators
                                    // and the test samples' states
  std::function<void(double done)> progress =
      {};  // called with the share of all trials that is done
};

// These options, as the public implementation chooses and finds subjects.
LreOptions AsPublished(LreOptions options);

// One layer in one trial; shares of the test samples.
struct LreLayer {
  int layer;
  std::vector<double> faithfulness = {},
                      faithfulness_in_3 = {};  // by beta: the most probable token says the object,
                                               // one of three does
  std::vector<double> causality = {};          // by rank
  double identity = 0, translation = 0,
         regression = 0;      // faithfulness of the operators that it is measured against
  size_t beta = 0, rank = 0;  // the chosen ones' indices
  // What they were chosen on, by beta and by rank: shares of the training samples; none for
  // Protocol::kPublished.
  std::vector<double> held_out_faithfulness = {}, training_causality = {};
};

struct LreTrial {
  std::string skipped = {};         // why there is nothing more; empty: it was done
  std::vector<Sample> train = {};   // what the operator is made from
  int64_t known = 0;                // of the others, those that the model knows after these
  std::vector<Sample> tested = {};  // these, LreOptions::limit of them, by subject
  int64_t edited = 0;               // of the tested, those with another that they can be edited to
  double majority =
      0;  // share of the tested that have the object that most samples of the relation have
  std::vector<LreLayer> layers = {};
  size_t most_faithful = 0, most_causal = 0;  // the chosen layers' indices
};

// Over the trials that were done, each at its own choice of beta and rank: means, the shares in
// percent.
struct LreTrialMeans {
  Percentage faithfulness = {}, faithfulness_in_3 = {}, causality = {}, identity = {},
             translation = {}, regression = {};
  double beta = 0, rank = 0;
};

struct LreRelation {
  std::string name;
  std::string skipped = {};  // why no trial was done; empty: one was, at least
  int64_t samples = 0;
  int64_t range = 0;  // objects
  double chance = 0;  // share right of an object drawn from the range: 1 / range
  std::vector<int> layers = {};
  std::vector<double> betas = {};
  std::vector<int64_t> ranks = {};
  std::vector<LreTrial> trials = {};
  // None where all trials were skipped. `chosen`: each trial at its own chosen layers; causality
  // and the rank at the most causal one, all else at the most faithful one.
  LreTrialMeans chosen = {};
  std::vector<LreTrialMeans> by_layer = {};
  size_t most_faithful = 0,
         most_causal = 0;  // indices of the layers that most trials chose, the first of those

  std::vector<const LreTrial*> Done() const;
};

}  // namespace mambascope
