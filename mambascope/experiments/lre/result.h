// Options and measurements of a relation (lre.h).
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
  int64_t train = 5;                // samples that an operator is made from, at least 2
  int64_t trials = 3;               // number of random splits
  std::vector<int> layers = {};     // empty: the embedding and every block
  std::vector<double> betas = {};   // empty: 0, 0.25, .., 5
  std::vector<int64_t> ranks = {};  // empty: 0, 8, .., 312, up to d_model
  // How layers, beta and rank are chosen, and which samples are tested.
  //
  // kHeldOut chooses them on the training samples, so that no score is of a sample that they were
  // chosen on. Beta and the faithful layer are chosen by how each training sample is predicted with
  // the operator of the other training prompts, which show it as an example. The rank and the
  // causal layer are chosen by edits of each training sample to each of the others. No tested
  // sample has the subject of a training one, and none is tested twice. The limit draws at random.
  // A sample is never edited to an object that the model already predicts for it.
  //
  // kPublished follows the public implementation: all are chosen on the test samples, the layers by
  // the means over trials. It also tests samples with the subject of a training one, repeated
  // samples, and edits to objects that begin with the same token. The limit takes the first samples
  // by subject.
  enum class Protocol { kHeldOut, kPublished } protocol = Protocol::kHeldOut;
  RelationPromptOptions train_prompts = {}, test_prompts = {};
  int64_t limit = 0;       // maximum number of test samples per trial; 0: all
  uint64_t seed = 123456;  // of each relation's splits and edit targets
  // Maximum bytes of passes, beside the weights, the operators and the test samples' states.
  int64_t memory = kDefaultMemory;
  // Called with the share of all trials that is done.
  std::function<void(double done)> progress = {};
};

// Returns `options` with the public implementation's protocol and way of finding subjects.
LreOptions AsPublished(LreOptions options);

// Scores of one layer in one trial, as shares of the test samples.
struct LreLayer {
  int layer;
  // By beta: the most probable token says the object, or one of the three most probable does.
  std::vector<double> faithfulness = {}, faithfulness_in_3 = {};
  std::vector<double> causality = {};  // by rank
  // Faithfulness of the operators that it is compared with.
  double identity = 0, translation = 0, regression = 0;
  size_t beta = 0, rank = 0;  // indices of the chosen ones
  // Shares of the training samples by beta and by rank, from which beta and rank were chosen. Empty
  // for Protocol::kPublished.
  std::vector<double> held_out_faithfulness = {}, training_causality = {};
};

struct LreTrial {
  std::string skipped = {};         // why the trial was skipped; empty: it was not
  std::vector<Sample> train = {};   // samples that the operator is made from
  int64_t known = 0;                // other samples that the model knows with these as examples
  std::vector<Sample> tested = {};  // known samples up to LreOptions::limit, by subject
  int64_t edited = 0;               // tested samples that can be edited to another
  // Share of the tested samples with the object that most samples of the relation have.
  double majority = 0;
  std::vector<LreLayer> layers = {};
  size_t most_faithful = 0, most_causal = 0;  // indices of the chosen layers
};

// Means over the trials that were not skipped, each at its own choice of beta and rank. Shares are
// in percent.
struct LreTrialMeans {
  Percentage faithfulness = {}, faithfulness_in_3 = {}, causality = {}, identity = {},
             translation = {}, regression = {};
  double beta = 0, rank = 0;
};

struct LreRelation {
  std::string name;
  std::string skipped = {};  // why no trial was measured; empty: at least one was
  int64_t samples = 0;
  int64_t range = 0;  // number of distinct objects
  double chance = 0;  // probability that a random object of the range is right: 1 / range
  std::vector<int> layers = {};
  std::vector<double> betas = {};
  std::vector<int64_t> ranks = {};
  std::vector<LreTrial> trials = {};
  // Not set when all trials were skipped. In `chosen`, each trial stands at its own layers:
  // causality and rank at the most causal one, the others at the most faithful one.
  LreTrialMeans chosen = {};
  std::vector<LreTrialMeans> by_layer = {};
  // Indices of the layers that most trials chose, the first of several.
  size_t most_faithful = 0, most_causal = 0;

  std::vector<const LreTrial*> Done() const;
};

}  // namespace mambascope
