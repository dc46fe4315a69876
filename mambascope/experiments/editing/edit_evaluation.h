// Evaluates the edited model on records of CounterFact and zsRE, which are edited in the same way.
#pragma once

#include <memory>
#include <optional>
#include <variant>

#include "mambascope/data/counterfact.h"
#include "mambascope/data/zsre.h"
#include "mambascope/experiments/editing/counterfact_evaluation.h"
#include "mambascope/experiments/editing/edit_result.h"
#include "mambascope/experiments/editing/text_measures.h"
#include "mambascope/experiments/editing/zsre_evaluation.h"
#include "mambascope/model/model.h"
#include "mambascope/tokenizer/tokenizer.h"

namespace mambascope {

struct DatasetRecord {
  EditRecord record;
  std::variant<CounterFactRecord, ZsreRecord> data;
};

DatasetRecord MakeDatasetRecord(const CounterFactRecord& data);
// zsRE does not number its records, so `place` in the data is the case_id. The target is `alt`
// where the file has it, else the first answer.
DatasetRecord MakeDatasetRecord(const ZsreRecord& data, int64_t place);

// Averages a record's prompts of each kind.
EditScores MakeEditScores(const RecordScores& scores);
// Takes the scores of the record's one prompt of each kind: the accuracy of its tokens and of the
// whole answer.
EditScores MakeEditScores(const ZsreScores& scores);

// Scores one record at a time.
class EditEvaluator {
 public:
  // With `generate`, it also generates texts for CounterFact's records and measures them. They are
  // compared with `references`, unless it is null. REQUIRES: the tokenizer outlives it
  explicit EditEvaluator(const Tokenizer& tokenizer,
                         std::optional<TextMeasuresOptions> generate = {},
                         std::shared_ptr<const References> references = nullptr)
      : tokenizer_(tokenizer), generate_(generate), references_(std::move(references)) {}

  // Throws Error when EvaluateRecords or EvaluateZsre does.
  EditScores operator()(const Model& model, const DatasetRecord& record) const;

 private:
  EditScores Evaluate(const Model& model, const CounterFactRecord& record) const;
  EditScores Evaluate(const Model& model, const ZsreRecord& record) const;

  const Tokenizer& tokenizer_;
  std::optional<TextMeasuresOptions> generate_;
  std::shared_ptr<const References> references_;
};

}  // namespace mambascope
