#include "mambascope/experiments/editing/counterfact_evaluation.h"

#include <fmt/format.h>

#include <cmath>
#include <string>

#include "mambascope/data/prompt.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

std::vector<std::string> PromptTexts(const CounterFactRecord& record, PromptKind kind) {
  switch (kind) {
    case PromptKind::kRewrite: return {FillPattern(record.pattern, record.subject)};
    case PromptKind::kParaphrase: return record.paraphrase_prompts;
    case PromptKind::kNeighborhood: return record.neighborhood_prompts;
    case PromptKind::kAttribute: return record.attribute_prompts;
  }
  throw Error("unknown kind of prompt");
}

// Appends the questions of a record, kind by kind.
void AddQuestions(const Tokenizer& tokenizer, const CounterFactRecord& record,
                  const std::string& name, const std::vector<PromptKind>& kinds,
                  std::vector<Question>& questions) {
  const std::vector<std::vector<int64_t>> targets = {
      EncodeTarget(tokenizer, record.target_new, "the target_new of " + name),
      EncodeTarget(tokenizer, record.target_true, "the target_true of " + name)};
  for (PromptKind kind : kinds) {
    for (const std::string& text : PromptTexts(record, kind))
      questions.push_back({EncodePrompt(tokenizer, text, "a prompt of " + name), targets});
  }
}

}  // namespace

std::vector<RecordScores> EvaluateRecords(const Model& model, const Tokenizer& tokenizer,
                                          const std::vector<CounterFactRecord>& records,
                                          const EditEvaluationOptions& options) {
  std::vector<Question> questions;
  for (size_t i = 0; i < records.size(); ++i)
    AddQuestions(tokenizer, records[i],
                 fmt::format("record {} (case_id {})", i, records[i].case_id), options.kinds,
                 questions);
  const std::vector<std::vector<TargetScore>> scores =
      ScoreTargets(model, questions, options.forward);
  std::vector<RecordScores> out(records.size());
  auto next = scores.begin();
  for (size_t i = 0; i < records.size(); ++i) {
    for (PromptKind kind : options.kinds) {
      for (size_t prompts = PromptTexts(records[i], kind).size(); prompts > 0; --prompts, ++next)
        out[i][kind].push_back({(*next)[0], (*next)[1]});
    }
  }
  return out;
}

Measures AveragePrompts(const std::vector<PromptScore>& prompts, PromptKind kind) {
  Measures sum;
  for (const PromptScore& prompt : prompts) {
    const bool keeps = kind == PromptKind::kNeighborhood;
    const TargetScore &wanted = keeps ? prompt.target_true : prompt.target_new,
                      &other = keeps ? prompt.target_new : prompt.target_true;
    sum.success += wanted.nll < other.nll ? 1 : 0;
    sum.magnitude += std::exp(-wanted.nll) - std::exp(-other.nll);
    sum.accuracy += wanted.AllCorrect() ? 1 : 0;
  }
  const auto n = static_cast<double>(prompts.size());
  return {sum.success / n, sum.magnitude / n, sum.accuracy / n};
}

}  // namespace mambascope
