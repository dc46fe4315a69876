// A sweep edits every record at every layer and projection asked for, each edit alone in the model,
// and evaluates the edited models (Sharma et al. 2024, section 4.2 and Figure 6).
#pragma once

#include <span>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/editing/edit_evaluation.h"
#include "mambascope/experiments/editing/edit_inputs.h"
#include "mambascope/experiments/editing/edit_summary.h"
#include "mambascope/experiments/editing/record_choice.h"

namespace mambascope {

// What edit.json holds of a sweep.
struct EditSweepResult {
  Json options;  // what made it
  RecordChoice choice = {};
  EditSweepSummary summary = {};
  std::vector<RecordResult> records = {};
};

struct EditedRecords {
  std::vector<RecordResult> results;
  std::vector<RomeEdit> edits;  // [record * place]
};

// Edits each record at each place. The value searches of all of them are done together. Throws
// Error as Rome and the evaluator do.
EditedRecords EditRecordsAlone(const EditInputs& inputs, const EditEvaluator& evaluate,
                               std::span<const DatasetRecord> records,
                               const std::vector<EditPlace>& places, const RomeOptions& options);

// Searches a value again by whole passes, and returns how far the found one is from it, as a part
// of it. Throws Error where rounding does not explain the difference.
double CheckValue(const EditInputs& inputs, const EditRecord& record, const RomeEdit& found,
                  RomeOptions options);

}  // namespace mambascope
