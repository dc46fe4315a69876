// What states at a prompt's end say, and which samples of a relation a model knows.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "mambascope/data/relation.h"
#include "mambascope/intervene/token_states.h"
#include "mambascope/model/model.h"
#include "mambascope/tokenizer/tokenizer.h"

namespace mambascope {

// What a state is to say.
struct Answer {
  std::string object;
  int64_t token = 0;      // what the model itself says
  std::string says = {};  // its text
};

struct Judgement {
  bool right, right_in_3;  // the state's most probable token says the object (IsAnswer); one of its three most probable does
  double log_p;            // of the answer's token
};

using Judgements = std::vector<Judgement>;

// `last` [state, d_model] are outputs of the last block; the answers are repeated for as many states as there are. REQUIRES:
// !answers.empty()
Judgements Judge(const Model& model, const Tokenizer& tokenizer, const at::Tensor& last, const std::vector<Answer>& answers);

// The last block's output at the end of each prompt, [prompt, d_model].
at::Tensor LastStates(const Model& model, std::vector<PromptToken> prompts);

// Samples with the prompts that ask for their objects, and the last block's output at the prompts' ends.
struct Asked {
  std::vector<Sample> samples;
  std::vector<PromptToken> prompts;
  std::vector<Answer> answers;
  at::Tensor z;  // [sample, d_model]

  // Those with these indices.
  Asked Select(const std::vector<int64_t>& which) const;
};

Asked Ask(const Model& model, const Tokenizer& tokenizer, const std::vector<Sample>& samples, std::vector<PromptToken> prompts);

// Those that the model knows, in the order of their subjects.
Asked KnownOf(const Asked& asked);

}  // namespace mambascope
