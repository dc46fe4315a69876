// Records of CounterFact and zsRE are edited alike; this file says how the edited model is judged.
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
// zsRE numbers no records, so `place` in the data becomes the case_id. The answer to write is
// `alt`, where the file has it, else the first.
DatasetRecord MakeDatasetRecord(const ZsreRecord& data, int64_t place);

// Averages a record's prompts, by their kinds.
EditScores MakeEditScores(const RecordScores& scores);
// zsRE has one prompt of each kind, and of it an accuracy of tokens and of the whole answer.
EditScores MakeEditScores(const ZsreScores& scores);

// Scores of single records.
class EditEvaluator {
 public:
  // With `generate`, texts of CounterFact's records are generated and measured, too, against the
  // `references` where there are some. REQUIRES: the tokenizer outlives it
  explicit EditEvaluator(const Tokenizer& tokenizer,
                         std::optional<TextMeasuresOptions> generate = {},
                         std::shared_ptr<const References> references = nullptr)
      : tokenizer_(tokenizer), generate_(generate), references_(std::move(references)) {}

  // Throws Error as EvaluateRecords and EvaluateZsre do.
  EditScores operator()(const Model& model, const DatasetRecord& record) const;

 private:
  EditScores Evaluate(const Model& model, const CounterFactRecord& record) const;
  EditScores Evaluate(const Model& model, const ZsreRecord& record) const;

  const Tokenizer& tokenizer_;
  std::optional<TextMeasuresOptions> generate_;
  std::shared_ptr<const References> references_;
};

}  // namespace mambascope
