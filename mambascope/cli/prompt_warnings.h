// Warnings about inputs that are allowed, but rarely mean what the user meant.
#pragma once

#include <string>

#include "mambascope/cli/common.h"
#include "mambascope/experiments/facts/traced_fact.h"

namespace mambascope {

// A subject that the prompt contains more than once, or only inside a longer word. `prompt` is what
// the user gave: a pattern with {}, or a whole prompt.
void WarnOfSubject(const CommonArguments& common, const std::string& prompt,
                   const std::string& subject);

// An answer of several tokens, of which only the first is followed.
void WarnOfAnswer(const CommonArguments& common, const Tokenizer& tokenizer,
                  const std::string& answer);

// A corrupted prompt that the model answers almost as the clean one.
void WarnOfEffect(const CommonArguments& common, const TracedFact& fact);

// Throws Error where the metric is the logit difference and the only fact has no other answer.
void CheckOtherAnswer(const TracedFact& fact, Metric metric);

// Several facts, all of which averages leave out (ScaleOf). `name` is the model's.
void WarnOfNone(const CommonArguments& common, const std::string& name, size_t facts,
                int64_t guarded, Metric metric);

}  // namespace mambascope
