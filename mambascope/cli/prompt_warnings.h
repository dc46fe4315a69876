// Warnings about inputs that are allowed, but are rarely what the user wants.
#pragma once

#include <string>

#include "mambascope/cli/common.h"
#include "mambascope/experiments/facts/traced_fact.h"

namespace mambascope {

// Warns when the prompt contains the subject more than once, or only inside a longer word. `prompt`
// is the user's text: a pattern with {}, or a whole prompt.
void WarnOfSubject(const CommonArguments& common, const std::string& prompt,
                   const std::string& subject);

// Warns when a text that should be a word or a name begins or ends with white space. `what` names
// it, as "the subject". Answers and targets may begin with it.
void WarnOfSpace(const CommonArguments& common, const std::string& what, const std::string& text,
                 bool may_begin = false);

// Warns when the answer has several tokens, because only the first one is followed. `what` is "the
// answer" or "the other answer".
void WarnOfAnswer(const CommonArguments& common, const Tokenizer& tokenizer,
                  const std::string& what, const std::string& answer);

// Warns when corruption hardly lowers p(answer): p_corrupt is at least half of p_clean.
void WarnOfEffect(const CommonArguments& common, const TracedFact& fact);

// Throws Error where the metric is the logit difference and the only fact has no other answer.
void CheckOtherAnswer(const TracedFact& fact, Metric metric);

// Several facts, all of which averages leave out (ScaleOf). `name` is the model's.
void WarnOfNone(const CommonArguments& common, const std::string& name, size_t facts,
                int64_t guarded, Metric metric);

}  // namespace mambascope
