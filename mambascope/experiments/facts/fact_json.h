// Converts facts to and from the JSON of result files (docs/cli.md).
#pragma once

#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/facts/fact_pair.h"
#include "mambascope/experiments/facts/traced_fact.h"

namespace mambascope {

// [begin, end]
void to_json(Json& json, const Span& span);
void from_json(const Json& json, Span& span);

// {relation, subject, corrupt_subject, prompt, answer, answer_id, p_clean, p_corrupt, ids, tokens,
// corrupt_tokens, subject_span, other_answer, other_answer_id, logit_diff_clean,
// logit_diff_corrupt}; the last four are null without another answer. A fact with another subject
// also has corrupt_prompt, corrupt_ids and corrupt_subject_span. The relation of a fact that was
// given alone is null.
void to_json(Json& json, const TracedFact& fact);
void from_json(const Json& json, TracedFact& fact);

// {name, facts, tested, known, without_partner, chosen}
void to_json(Json& json, const RelationCount& relation);
void from_json(const Json& json, RelationCount& relation);

// The clean prompt of a fact, as {subject, prompt, ids, tokens, subject_span}.
Json PromptJson(const Prompt& prompt);
// Reads what PromptJson wrote. `json` may have other keys too.
Prompt ReadPrompt(const Json& json);

// "p" or "logit_diff".
std::string MetricName(Metric metric);
Metric ReadMetric(const std::string& name);

// A relation's name, or null where there is none.
Json RelationNameJson(const std::string& relation);
std::string ReadRelationName(const Json& json);

}  // namespace mambascope
