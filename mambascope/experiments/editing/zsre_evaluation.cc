#include "mambascope/experiments/editing/zsre_evaluation.h"

#include <fmt/format.h>

#include "mambascope/data/prompt.h"

namespace mambascope {

std::vector<ZsreScores> EvaluateZsre(const Model& model, const Tokenizer& tokenizer,
                                     const std::vector<ZsreRecord>& records,
                                     const ZsreEvaluationOptions& options) {
  std::vector<Question> questions;
  for (size_t i = 0; i < records.size(); ++i) {
    const ZsreRecord& r = records[i];
    const std::string of = fmt::format(" of record {}", i), prompt = "a question" + of;
    const std::vector<int64_t> target =
        options.target == ZsreEvaluationOptions::Target::kAnswer
            ? EncodeTarget(tokenizer, r.answers.front(), "the answer" + of)
            : EncodeTarget(tokenizer, r.alt, "the alt" + of);
    questions.push_back(
        {EncodePrompt(tokenizer, FillPattern(r.pattern, r.subject), prompt), {target}});
    questions.push_back({EncodePrompt(tokenizer, r.rephrase, prompt), {target}});
    questions.push_back({EncodePrompt(tokenizer, r.loc + "?", prompt),
                         {EncodeTarget(tokenizer, r.loc_ans, "the loc_ans" + of)}});
  }
  const std::vector<std::vector<TargetScore>> scores =
      ScoreTargets(model, questions, options.forward);
  std::vector<ZsreScores> out;
  for (size_t i = 0; i < scores.size(); i += 3)
    out.push_back({scores[i].front(), scores[i + 1].front(), scores[i + 2].front()});
  return out;
}

}  // namespace mambascope
