#include "mambascope/experiments/facts/fact_json.h"

#include <fmt/format.h>

#include "mambascope/error.h"
#include "mambascope/experiments/result_shape.h"

namespace mambascope {

void to_json(Json& json, const Span& span) { json = {span.begin, span.end}; }
void from_json(const Json& json, Span& span) { span = {json.at(0), json.at(1)}; }

Json PromptJson(const Prompt& prompt) {
  return {{"subject", prompt.subject},
          {"prompt", prompt.text},
          {"ids", prompt.ids},
          {"tokens", prompt.tokens},
          {"subject_span", prompt.subject_span}};
}

namespace {

void CheckPrompt(const Prompt& prompt) {
  RequireSize(prompt.tokens, prompt.ids.size(), "tokens");
  const Span& span = prompt.subject_span;
  if (span.begin < 0 || span.begin > span.end || span.end > static_cast<int64_t>(prompt.ids.size()))
    throw Error(fmt::format("'subject_span' is [{}, {}], but the prompt has {} tokens", span.begin,
                            span.end, prompt.ids.size()));
}

}  // namespace

Prompt ReadPrompt(const Json& json) {
  Prompt prompt{.text = json.at("prompt"),
                .ids = json.at("ids"),
                .tokens = json.at("tokens"),
                .subject = json.at("subject"),
                .subject_span = json.at("subject_span")};
  CheckPrompt(prompt);
  return prompt;
}

std::string MetricName(Metric metric) {
  return metric == Metric::kProbability ? "p" : "logit_diff";
}

Metric ReadMetric(const std::string& name) {
  return name == "p" ? Metric::kProbability : Metric::kLogitDiff;
}

Json RelationNameJson(const std::string& relation) {
  return relation.empty() ? Json() : Json(relation);
}
std::string ReadRelationName(const Json& json) {
  return json.is_null() ? "" : json.get<std::string>();
}

void to_json(Json& json, const TracedFact& fact) {
  json = PromptJson(fact.clean);
  json.update({{"relation", RelationNameJson(fact.relation)},
               {"corrupt_subject", fact.corrupt ? Json(fact.corrupt->subject) : Json()},
               {"corrupt_tokens", fact.corrupt.value_or(fact.clean).tokens},
               {"answer", fact.answer},
               {"answer_id", fact.answer_id},
               {"p_clean", fact.p_clean},
               {"p_corrupt", fact.p_corrupt},
               {"other_answer", fact.other_answer_id ? Json(fact.other_answer) : Json()},
               {"other_answer_id", fact.other_answer_id},
               {"logit_diff_clean", fact.logit_diff_clean},
               {"logit_diff_corrupt", fact.logit_diff_corrupt}});
  if (fact.corrupt)
    json.update({{"corrupt_prompt", fact.corrupt->text},
                 {"corrupt_ids", fact.corrupt->ids},
                 {"corrupt_subject_span", fact.corrupt->subject_span}});
}

void from_json(const Json& json, TracedFact& fact) {
  fact = {.relation = ReadRelationName(json.at("relation")),
          .clean = ReadPrompt(json),
          .corrupt = {},
          .answer_id = json.at("answer_id"),
          .answer = json.at("answer"),
          .p_clean = json.at("p_clean"),
          .p_corrupt = json.at("p_corrupt"),
          .other_answer_id = json.at("other_answer_id").get<std::optional<int64_t>>(),
          .logit_diff_clean = json.at("logit_diff_clean").get<std::optional<double>>(),
          .logit_diff_corrupt = json.at("logit_diff_corrupt").get<std::optional<double>>()};
  if (fact.other_answer_id) fact.other_answer = json.at("other_answer");
  if (json.at("corrupt_subject").is_null()) return;
  fact.corrupt = Prompt{.text = json.at("corrupt_prompt"),
                        .ids = json.at("corrupt_ids"),
                        .tokens = json.at("corrupt_tokens"),
                        .subject = json.at("corrupt_subject"),
                        .subject_span = json.at("corrupt_subject_span")};
  CheckPrompt(*fact.corrupt);
}

void to_json(Json& json, const RelationCount& r) {
  json = {{"name", r.name},
          {"facts", r.facts},
          {"tested", r.tested},
          {"known", r.known},
          {"without_partner", r.without_partner},
          {"chosen", r.chosen}};
}

void from_json(const Json& json, RelationCount& r) {
  r = {.name = json.at("name"),
       .facts = json.at("facts"),
       .tested = json.at("tested"),
       .known = json.at("known"),
       .without_partner = json.at("without_partner"),
       .chosen = json.at("chosen")};
}

}  // namespace mambascope
