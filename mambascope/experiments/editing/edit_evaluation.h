// Records of CounterFact and zsRE alike: what is to be edited, and how the model that the edit leaves is judged.
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
// zsRE numbers no records: `place` in the data becomes the case_id. The answer to write is `alt`, where the file has it, else the first.
DatasetRecord MakeDatasetRecord(const ZsreRecord& data, int64_t place);

// The means of a record's prompts, and zsRE's scores, as what edits are judged by.
EditScores MakeEditScores(const RecordScores& scores);
EditScores MakeEditScores(const ZsreScores& scores);

// Scores of single records.
class EditEvaluator {
 public:
  // `generate`: texts of CounterFact's records are generated and measured, too, against `references` where there are some.
  // REQUIRES: the tokenizer outlives it.
  explicit EditEvaluator(const Tokenizer& tokenizer, std::optional<TextMeasuresOptions> generate = {},
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
