// An answer's logit as a sum: what each token's value adds to it through each layer's mixer, and
// everything else.
//
// The residual that the last token ends with is a sum of what the embedding, every mixer and every
// MLP wrote there. With the final norm's scale frozen at this run's own, the logit of the answer is
// linear in it (Model::LogitDirection), so every part has a share in the logit
// ("direct logit attribution"; Elhage et al. 2021). A mixer's part falls into what each token's
// value writes, with gates and inner norms frozen alike (model/mixing.h), its skip and its bias.
// Shares are of the logit itself, in its own units (nats): nothing is subtracted, so what raises
// all words alike is in them. The paths are direct ones: what a write does in later layers counts
// as theirs.
#pragma once

#include <cstdint>
#include <vector>

#include "mambascope/model/model.h"

namespace mambascope {

// logit = embedding + offset + sum over layers of (sum of by_token + skip + bias + mlp), to
// float32's rounding.
struct AnswerParts {
  double logit = 0;                           // as the model computes it
  std::vector<std::vector<double>> by_token;  // [layer][token]: through the mixer to the last
                                              // token, which is itself the last entry
  std::vector<double> skip, bias,
      mlp;  // [layer]: Mamba's D skip, the mixer's output bias, the MLP; 0 where there is none
  double embedding = 0;  // of the last token, with its position where that is learned
  double offset = 0;     // the final layer norm's bias
};

// Of the logit of `answer` after the prompt `ids`. Throws Error for an empty prompt and for an id
// or answer outside the vocabulary.
AnswerParts DecomposeAnswer(const Model& model, const std::vector<int64_t>& ids, int64_t answer);

}  // namespace mambascope
