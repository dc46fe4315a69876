// Searches the value that makes a model say a target (Meng et al. 2022, equation 4; Sharma et al.
// 2024, section 4). Gradient descent finds a delta that is added to the state at the subject's last
// token, in all contexts at once:
//
//   loss(delta) = - mean over contexts of log p(target | context, prompt) / |target|
//                 + kl KL(p_delta || p)    of the token after the subject in "SUBJECT is a"
//                 + decay |delta| / |v0|^2
//
// p is the next-token distribution without delta. The KL term keeps the subject's essence.
//
// Only the layers above the value and the tokens from the subject's end on are recomputed. The
// prompts' beginnings are computed once.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "mambascope/experiments/editing/rewrite.h"
#include "mambascope/model/kernels/batch_sizes.h"
#include "mambascope/model/model.h"

namespace mambascope {

struct ValueOptions {
  int steps = 20;  // maximum number of forward passes; there is one descent step fewer
  double learning_rate = 0.5;
  double decay = 0.5;
  double kl = 0.0625;
  double clamp = 3;           // maximum of |delta| / |v0|
  double enough_loss = 0.05;  // the search stops below this loss
  // From pass `enough_p_from` on, counted from 0, the search also stops when p exceeds this (Sharma
  // et al.; not in ROME).
  double enough_p = 0.9;
  int enough_p_from = 13;
  int64_t memory = kDefaultMemory;                 // bytes that one group of searches may take
  enum class By { kSweep, kRun } by = By::kSweep;  // kRun: whole passes, as a reference
  // Counts searches; one that is going on counts by its passes. Called after each pass.
  std::function<void(double done, int64_t total)> progress = {};
};

// One search.
struct ValueTask {
  const RewritePrompts* rewrite;
  Place at;       // where the value is
  at::Tensor v0;  // [width], float32: the state at `at` in the bare prompt
};

// The loss and its terms at one pass.
struct LossStep {
  double loss, nll, kl, decay;
  double p;  // of the target: mean over contexts of exp(-NLL per token)
};

struct FoundValue {
  at::Tensor delta;  // [width]
  std::vector<LossStep> steps;
  std::string stopped;  // what ended the search: "loss", "probability" or "steps"
};

// Called with what the tasks from `begin` on found, as soon as their searches are over.
using WhenFound = std::function<void(size_t begin, std::span<const FoundValue> found)>;

// Runs searches in groups that share passes. Up to rounding, each finds what it would find alone.
// Throws Error when a loss is not a number, and when one search takes more than options.memory.
std::vector<FoundValue> SearchValues(const Model& model, const std::vector<ValueTask>& tasks,
                                     const ValueOptions& options = {},
                                     const WhenFound& when_found = {});

}  // namespace mambascope
