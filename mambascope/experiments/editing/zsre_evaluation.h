// Evaluates a model, edited or not, on zsRE (Mitchell et al. 2022; Meng et al. 2022, section 3.3).
// The measure is the share of an answer's tokens that are the most probable ones, given the
// question and the answer's tokens before.
//
// The public implementation runs one pass per token, and tokenises the text of the question and the
// tokens before anew each time. Here an answer is tokenised once, and one pass scores all its
// tokens. The two differ where the answer's first tokens, as a text of their own, are tokenised
// differently than within the whole answer.
#pragma once

#include <vector>

#include "mambascope/data/zsre.h"
#include "mambascope/experiments/editing/target_scores.h"
#include "mambascope/tokenizer/tokenizer.h"

namespace mambascope {

struct ZsreEvaluationOptions {
  // The target that an edit writes, and that the question and its rephrasing are scored for: the
  // first of `answers`, as in Meng et al., or `alt`.
  enum class Target { kAnswer, kAlt };
  Target target = Target::kAnswer;
  SharedForwardOptions forward = {};
};

// Scores of one record.
struct ZsreScores {
  TargetScore rewrite;     // of the target, after the question
  TargetScore paraphrase;  // of the target, after the rephrased question
  // Of loc_ans, after loc and a question mark. It tells whether the answer is true, not whether the
  // edit left it unchanged.
  TargetScore neighborhood;
};

// Scores all records in shared passes (ScoreTargets). Throws Error, which names the record, for a
// target without tokens. Throws Error when ScoreTargets does.
std::vector<ZsreScores> EvaluateZsre(const Model& model, const Tokenizer& tokenizer,
                                     const std::vector<ZsreRecord>& records,
                                     const ZsreEvaluationOptions& options = {});

}  // namespace mambascope
