// A sweep edits every record at every requested layer and projection, each edit alone in the model,
// and evaluates the edited models (Sharma et al. 2024, section 4.2 and Figure 6).
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/editing/edit_evaluation.h"
#include "mambascope/experiments/editing/edit_inputs.h"
#include "mambascope/experiments/editing/edit_summary.h"
#include "mambascope/experiments/editing/record_choice.h"

namespace mambascope {

// Result of a sweep, as stored in edit.json.
struct EditSweepResult {
  Json options;  // the run's options (RunDescription)
  RecordChoice choice = {};
  EditSweepSummary summary = {};
  std::vector<RecordResult> records = {};
};

struct EditedRecords {
  std::vector<RecordResult> results;
  std::vector<RomeEdit> edits;  // [record * place]
};

// What a sweep says while it goes on.
struct EditSweepReport {
  std::function<void(bool searching)> stage = {};  // whether values are searched, or evaluated
  std::function<void(double share, int64_t edits)> progress = {};  // edits: values found
  std::function<void(size_t record, const RecordResult& result)> finished = {};
};

// Edits each record at each place. Value searches are done together, as many as fit, and their
// records are evaluated then. Throws Error when Rome or the evaluator does.
EditedRecords EditRecordsAlone(const EditInputs& inputs, const EditEvaluator& evaluate,
                               std::span<const DatasetRecord> records,
                               const std::vector<EditPlace>& places, RomeOptions options,
                               const EditSweepReport& report = {});

// Searches a value again by whole passes, and returns its relative difference from the found one.
// Throws Error when the difference is larger than rounding explains.
double CheckValue(const EditInputs& inputs, const EditRecord& record, const RomeEdit& found,
                  RomeOptions options);

}  // namespace mambascope
