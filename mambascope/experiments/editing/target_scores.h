// What a model thinks of given continuations: teacher-forced scores, by which the CounterFact and
// zsRE evaluations judge an edit (Meng et al. 2022, section 4 and appendix; Sharma et al. 2024,
// section 4).
#pragma once

#include <string>
#include <vector>

#include "mambascope/model/model.h"
#include "mambascope/model/shared_forward.h"
#include "mambascope/tokenizer/tokenizer.h"

namespace mambascope {

// A prompt, and the continuations of it that are scored.
struct Question {
  std::vector<int64_t> prompt;
  std::vector<std::vector<int64_t>> targets;
};

struct TargetScore {
  double nll = 0;  // nats per token: the mean over the target's tokens of -log p(token | prompt,
                   // the target's tokens before it)
  std::vector<bool> correct;  // of each token: it is the most probable one there

  bool AllCorrect() const;
  double Accuracy() const;  // share of the tokens that are correct
};

// The tokens of a prompt, and of a target as a continuation: with a space before it, unless it has
// one. Both throw Error, which names `what`, where there are none.
std::vector<int64_t> EncodePrompt(const Tokenizer& tokenizer, const std::string& text,
                                  const std::string& what);
std::vector<int64_t> EncodeTarget(const Tokenizer& tokenizer, const std::string& text,
                                  const std::string& what);

// The score of every target of every question. All go up together and share what they begin with,
// so that a prompt goes up once whatever its targets, and a target's last token not at all. Throws
// Error for an empty prompt or target (by its place), an id outside the vocabulary, a prompt that
// is too long for the model, and a score that is not a number.
std::vector<std::vector<TargetScore>> ScoreTargets(const Model& model,
                                                   const std::vector<Question>& questions,
                                                   const SharedForwardOptions& options = {});

// The perplexity of each text: exp of the mean of -log p(token | tokens before it) over its tokens
// but the first. Throws Error for a text of fewer than two tokens (by its place), and for what
// ScoreTargets refuses.
std::vector<double> Perplexities(const Model& model,
                                 const std::vector<std::vector<int64_t>>& texts);

}  // namespace mambascope
