// Many records' facts in one model (Meng et al. 2023, section 5): by MEMIT at once, by ROME one after the other.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/editing/edit_evaluation.h"
#include "mambascope/experiments/editing/edit_health.h"
#include "mambascope/experiments/editing/edit_inputs.h"
#include "mambascope/experiments/editing/edit_summary.h"
#include "mambascope/experiments/editing/record_choice.h"

namespace mambascope {

struct MassEditOptions {
  EditMethod method;
  std::vector<EditPlace> places;            // one; for MEMIT the layers of one projection
  std::set<int64_t> counts;                 // so many facts in one model: a point each
  std::vector<std::vector<int64_t>> texts;  // which the edits should leave as probable as they were (CheckEdits)
  std::function<void(int64_t done, int64_t total)> progress = {};  // searches
};

// The facts in models of `edits` facts each.
struct MassEditPoint {
  int64_t edits = 0;
  EditMeans means = {}, pre = {};  // of the records that were edited, after it and before any edit
  double seconds_per_edit = 0;
  EditHealth health = {};  // of the model with the first `edits` facts
};

struct MassEditedRecord {
  EditRecord record;
  EditScores pre = {}, post = {};  // post: in the model of the largest count
};

// What edit.json holds of it.
struct MassEditResult {
  Json options;  // what made it
  RecordChoice choice = {};
  std::vector<MassEditPoint> points = {};  // from few edits to many
  std::vector<MassEditedRecord> records = {};
};

struct MassEdits {
  std::vector<MassEditPoint> points;
  std::vector<MassEditedRecord> records;
  std::vector<Edit> edits;  // of the model with the largest count of facts
};

// The counts that are asked for; all `records` where none is. Throws Error for a count of more than there are.
std::set<int64_t> EditCounts(const std::vector<int64_t>& asked, int64_t records);

// The prompts of the records that will be edited: MEMIT's values are searched of all, in as many models as it takes; ROME edits one model,
// of the largest count. Throws Error as PrepareRecord does.
std::vector<RewritePrompts> PrepareRecords(const EditInputs& inputs, const std::vector<DatasetRecord>& records, const EditMethod& method,
                                           const std::set<int64_t>& counts);

// REQUIRES: `rewrites` are PrepareRecords of the records
MassEdits EditTogether(const EditInputs& inputs, const EditEvaluator& evaluate, const std::vector<DatasetRecord>& records,
                       const std::vector<RewritePrompts>& rewrites, const MassEditOptions& options);

}  // namespace mambascope
