// Direct logit attribution: an answer's logit as a sum of parts (Elhage et al. 2021). The parts are
// what each token's value adds through each layer's mixer, and everything else.
//
// The residual stream at the last token is the sum of what the embedding, every mixer and every MLP
// wrote there. With the final norm's scale frozen at this run's value, the answer's logit is linear
// in that sum (Model::LogitDirection). So each part has a share of the logit. A mixer's part is the
// sum of what each token's value writes, its skip and its bias; gates and inner norms are frozen
// too (model/mixing.h). Shares are in the logit's own units (nats), and no baseline is subtracted.
// So they include what raises the logits of all words alike. Only direct paths count: what later
// layers make of a write counts as theirs.
#pragma once

#include <cstdint>
#include <vector>

#include "mambascope/model/model.h"

namespace mambascope {

// logit = embedding + offset + sum over layers of (sum of by_token + skip + bias + mlp), up to
// float32 rounding.
struct AnswerParts {
  double logit = 0;  // as the model computes it
  // [layer][token]: what the token's value adds through the mixer. The last entry is the last
  // token's own value.
  std::vector<std::vector<double>> by_token;
  // [layer]: Mamba's D skip, the mixer's output bias, and the MLP; 0 where there is none.
  std::vector<double> skip, bias, mlp;
  double embedding = 0;  // of the last token, including a learned position embedding
  double offset = 0;     // the final layer norm's bias
};

// Decomposes the logit of `answer` after the prompt `ids`. Throws Error for an empty prompt, and
// for an id or answer outside the vocabulary.
AnswerParts DecomposeAnswer(const Model& model, const std::vector<int64_t>& ids, int64_t answer);

}  // namespace mambascope
