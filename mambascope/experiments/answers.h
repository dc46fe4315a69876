// What states at a prompt's end say, and which samples of a relation a model knows.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "mambascope/data/relation.h"
#include "mambascope/experiments/token_states.h"
#include "mambascope/model/model.h"
#include "mambascope/tokenizer/tokenizer.h"

namespace mambascope {

// Of states, [state] each: whether their most probable token says the object (IsAnswer), whether one of their three most probable does, and
// the log-probability of the token expected. On the CPU, float64.
struct Said {
  at::Tensor right, right_in_3, log_p;
};

// `last` [state, d_model] are outputs of the last block; objects and expected (none: log_p stays undefined) are of each state.
Said Judge(const Model& model, const Tokenizer& tokenizer, const at::Tensor& last, const std::vector<std::string>& objects,
           const std::vector<int64_t>& expected = {});

// Samples with the prompts that ask for their objects, and the last block's output at the prompts' ends.
struct Asked {
  std::vector<Sample> samples;
  std::vector<PromptToken> prompts;
  at::Tensor z;               // [sample, d_model]
  std::vector<int64_t> says;  // the model's most probable token
};

std::vector<std::string> ObjectsOf(const std::vector<Sample>& samples);

Asked Ask(const Model& model, const std::vector<Sample>& samples, std::vector<PromptToken> prompts);

// Those that the model knows, in the order of their subjects; `limit` of them at most, unless it is 0.
Asked KnownOf(const Tokenizer& tokenizer, const Asked& asked, int64_t limit = 0);

}  // namespace mambascope
