// The value that makes a model say a target (Meng et al. 2022, equation 4; Sharma et al. 2024,
// section 4): gradient descent on what is added to the state at the subject's last token, in all
// contexts at once.
//
//   loss(delta) = - mean over contexts of log p(target | context, prompt) / |target|
//                 + kl KL(p_delta || p)   of the next token at the subject's end in "SUBJECT is a":
//                 its essence
//                 + decay |delta| / |v0|^2
//
// Only the layers above the value and the tokens from the subject's end on are computed again; the
// prompts' beginnings never.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <vector>

#include "mambascope/experiments/editing/rewrite.h"
#include "mambascope/model/kernels/batch_sizes.h"
#include "mambascope/model/model.h"

namespace mambascope {

struct ValueOptions {
  int steps = 20;  // forward passes, at most; one descent fewer
  double learning_rate = 0.5;
  double decay = 0.5;
  double kl = 0.0625;
  double clamp = 3;           // |delta| is kept below so many times |v0|
  double enough_loss = 0.05;  // stop below this
  double enough_p = 0.9;  // and, from pass `enough_p_from` on, where the target is this probable
                          // (Sharma et al.; ROME itself does not)
  int enough_p_from = 13;
  int64_t memory = kDefaultMemory;                 // bytes that searches done together may take
  enum class By { kSweep, kRun } by = By::kSweep;  // kRun: whole passes, the oracle
  std::function<void(int64_t done, int64_t total)> progress = {};  // searches
};

// One search.
struct ValueTask {
  const RewritePrompts* rewrite;
  Place at;       // where the value stands
  at::Tensor v0;  // [width], float32: the state there in the bare prompt
};

// The loss and its parts, at one pass.
struct LossStep {
  double loss, nll, kl, decay;
  double p;  // of the target: mean over contexts of exp(-NLL per token)
};

struct FoundValue {
  at::Tensor delta;  // [width]
  std::vector<LossStep> steps;
  std::string stopped;  // by "loss", "probability" or "steps"
};

// Searches that share passes, many at a time; each is what it would be alone. Throws Error where a
// loss is not a number.
std::vector<FoundValue> SearchValues(const Model& model, const std::vector<ValueTask>& tasks,
                                     const ValueOptions& options = {});

}  // namespace mambascope
