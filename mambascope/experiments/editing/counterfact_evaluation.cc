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

// Appends the questions of a record, kind by kind. Each asks for target_new, and for the true
// answer where there is one.
void AddQuestions(const Tokenizer& tokenizer, const CounterFactRecord& record,
                  const std::string& name, const std::vector<PromptKind>& kinds,
                  std::vector<Question>& questions) {
  const std::vector<int64_t> target_new =
      EncodeTarget(tokenizer, record.target_new, "the target_new of " + name);
  for (PromptKind kind : kinds) {
    const std::vector<std::string> texts = PromptTexts(record, kind);
    for (size_t i = 0; i < texts.size(); ++i) {
      Question question{EncodePrompt(tokenizer, texts[i], "a prompt of " + name), {target_new}};
      const std::string& truth =
          kind == PromptKind::kNeighborhood ? record.NeighborhoodTruth(i) : record.target_true;
      if (!truth.empty())
        question.targets.push_back(EncodeTarget(tokenizer, truth, "the true answer of " + name));
      questions.push_back(std::move(question));
    }
  }
}

PromptScore MakePromptScore(const std::vector<TargetScore>& scores) {
  PromptScore score{.target_new = scores[0], .target_true = {}};
  if (scores.size() > 1) score.target_true = scores[1];
  return score;
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
        out[i][kind].push_back(MakePromptScore(*next));
    }
  }
  return out;
}

Measures AveragePrompts(const std::vector<PromptScore>& prompts, PromptKind kind) {
  const bool keeps = kind == PromptKind::kNeighborhood;
  double success = 0, magnitude = 0, accuracy = 0;
  bool all_have_truths = true;
  for (const PromptScore& prompt : prompts) {
    const TargetScore& wanted = keeps ? prompt.target_true.value() : prompt.target_new;
    accuracy += wanted.AllCorrect() ? 1 : 0;
    all_have_truths = all_have_truths && prompt.target_true;
    if (!prompt.target_true) continue;
    const TargetScore& other = keeps ? prompt.target_new : *prompt.target_true;
    success += wanted.nll < other.nll ? 1 : 0;
    magnitude += std::exp(-wanted.nll) - std::exp(-other.nll);
  }
  const auto n = static_cast<double>(prompts.size());
  Measures measures{.success = {}, .magnitude = {}, .accuracy = accuracy / n};
  if (all_have_truths) {
    measures.success = success / n;
    measures.magnitude = magnitude / n;
  }
  return measures;
}

}  // namespace mambascope
