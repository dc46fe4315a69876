#include "mambascope/experiments/editing/edit_evaluation.h"

#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/checkpoint/json.h"

namespace mambascope {
namespace {

KindMeasures<std::optional<double>> CounterFactMeasures(const RecordScores& scores,
                                                        PromptKind kind) {
  const auto found = scores.find(kind);
  if (found == scores.end()) return {};
  const Measures m = AveragePrompts(found->second, kind);
  return {.success = m.success, .magnitude = m.magnitude, .accuracy = m.accuracy};
}

KindMeasures<std::optional<double>> ZsreMeasures(const TargetScore& score) {
  return {.accuracy = score.AllCorrect() ? 1.0 : 0.0, .token_accuracy = score.Accuracy()};
}

std::string AnswerToWrite(const ZsreRecord& data) {
  return data.alt.empty() ? data.answers[0] : data.alt;
}

}  // namespace

DatasetRecord MakeDatasetRecord(const CounterFactRecord& data) {
  Json evaluated_by = {data.target_new_id, data.target_true_id, data.paraphrase_prompts,
                       data.neighborhood_prompts, data.generation_prompts};
  if (!data.neighborhood_truths.empty()) evaluated_by.push_back(data.neighborhood_truths);
  return {{.case_id = data.case_id,
           .relation = data.relation,
           .prompt = data.pattern,
           .subject = data.subject,
           .target_new = data.target_new,
           .target_true = data.target_true,
           .digest = FingerprintText(DumpJson(evaluated_by))},
          data};
}

DatasetRecord MakeDatasetRecord(const ZsreRecord& data, int64_t place) {
  return {{.case_id = place,
           .relation = "",
           .prompt = data.pattern,
           .subject = data.subject,
           .target_new = AnswerToWrite(data),
           .target_true = data.answers[0],
           .digest = FingerprintText(DumpJson({data.rephrase, data.loc, data.loc_ans}))},
          data};
}

EditScores MakeEditScores(const RecordScores& scores) {
  return {.benchmark = EditBenchmark::kCounterFact,
          .rewrite = CounterFactMeasures(scores, PromptKind::kRewrite),
          .paraphrase = CounterFactMeasures(scores, PromptKind::kParaphrase),
          .neighborhood = CounterFactMeasures(scores, PromptKind::kNeighborhood)};
}

EditScores MakeEditScores(const ZsreScores& scores) {
  return {.benchmark = EditBenchmark::kZsre,
          .rewrite = ZsreMeasures(scores.rewrite),
          .paraphrase = ZsreMeasures(scores.paraphrase),
          .neighborhood = ZsreMeasures(scores.neighborhood)};
}

EditScores EditEvaluator::operator()(const Model& model, const DatasetRecord& record) const {
  return std::visit([&](const auto& data) { return Evaluate(model, data); }, record.data);
}

EditScores EditEvaluator::Evaluate(const Model& model, const CounterFactRecord& record) const {
  EditScores scores = MakeEditScores(EvaluateRecords(model, tokenizer_, {record})[0]);
  if (generate_) {
    const TextMeasures texts =
        MeasureTexts(model, tokenizer_, record, references_.get(), *generate_);
    scores.texts = {texts.ngram_entropy, texts.reference_score};
  }
  return scores;
}

EditScores EditEvaluator::Evaluate(const Model& model, const ZsreRecord& record) const {
  using Target = ZsreEvaluationOptions::Target;
  const Target target = record.alt.empty() ? Target::kAnswer : Target::kAlt;
  return MakeEditScores(EvaluateZsre(model, tokenizer_, {record}, {.target = target})[0]);
}

}  // namespace mambascope
