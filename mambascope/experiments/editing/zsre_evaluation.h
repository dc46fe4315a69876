// The zsRE evaluation of a model, edited or not (Mitchell et al. 2022; Meng et al. 2022,
// section 3.3): the share of an answer's tokens that the model finds the most probable ones, given
// the question and the answer's tokens before.
//
// The public implementation asks for every token in a pass of its own, after the text of the
// question and of the tokens before it, tokenised anew; here an answer is tokenised once, and one
// pass tells of all its tokens. The two differ where the text of an answer's first tokens is
// tokenised otherwise than within the whole.
#pragma once

#include <vector>

#include "mambascope/data/zsre.h"
#include "mambascope/experiments/editing/target_scores.h"
#include "mambascope/tokenizer/tokenizer.h"

namespace mambascope {

struct ZsreEvaluationOptions {
  // What an edit writes, and the question and its rephrasing are measured by: the first of
  // `answers`, as in Meng et al., or `alt`.
  enum class Target { kAnswer, kAlt };
  Target target = Target::kAnswer;
  SharedForwardOptions forward = {};
};

// Of one record.
struct ZsreScores {
  TargetScore rewrite;       // of the target, after the question
  TargetScore paraphrase;    // of the target, after the rephrased question
  TargetScore neighborhood;  // of loc_ans, after loc and a question mark: whether it is true, not
                             // whether the edit left it as it was
};

// All records go up together (see ScoreTargets). Throws Error, which names the record, for a target
// without tokens; and as ScoreTargets does.
std::vector<ZsreScores> EvaluateZsre(const Model& model, const Tokenizer& tokenizer,
                                     const std::vector<ZsreRecord>& records,
                                     const ZsreEvaluationOptions& options = {});

}  // namespace mambascope
