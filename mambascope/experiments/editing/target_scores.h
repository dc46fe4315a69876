// Teacher-forced scores of given continuations. The CounterFact and zsRE evaluations judge edits by
// them (Meng et al. 2022, section 4 and appendix; Sharma et al. 2024, section 4).
#pragma once

#include <string>
#include <vector>

#include "mambascope/model/model.h"
#include "mambascope/model/shared_forward.h"
#include "mambascope/tokenizer/tokenizer.h"

namespace mambascope {

// A prompt, and the continuations to score.
struct Question {
  std::vector<int64_t> prompt;
  std::vector<std::vector<int64_t>> targets;
};

struct TargetScore {
  // Mean of -log p(token | prompt, earlier target tokens) over the target's tokens, in nats.
  double nll = 0;
  std::vector<bool> correct;  // for each token: it is the most probable one

  bool AllCorrect() const;
  double Accuracy() const;  // share of the tokens that are correct
};

// Encode a prompt, and a target as a continuation. A target gets a space before it, unless it has
// one. Both throw Error, which names `what`, when there are no tokens.
std::vector<int64_t> EncodePrompt(const Tokenizer& tokenizer, const std::string& text,
                                  const std::string& what);
std::vector<int64_t> EncodeTarget(const Tokenizer& tokenizer, const std::string& text,
                                  const std::string& what);

// Returns the score of every target of every question. All sequences run together and share their
// common beginnings: each prompt runs once for all its targets, and a target's last token does not
// run. Throws Error for an empty prompt or target (named by its index), an id outside the
// vocabulary, a prompt that is too long for the model, and a score that is not a number.
std::vector<std::vector<TargetScore>> ScoreTargets(const Model& model,
                                                   const std::vector<Question>& questions,
                                                   const SharedForwardOptions& options = {});

// Returns the perplexity of each text: exp of the mean of -log p(token | tokens before it) over its
// tokens from the second on. Throws Error for a text of fewer than two tokens (named by its index),
// and when ScoreTargets does.
std::vector<double> Perplexities(const Model& model,
                                 const std::vector<std::vector<int64_t>>& texts);

}  // namespace mambascope
