// Many facts are edited in one model, by MEMIT at once and by ROME one after the other (Meng et al.
// 2023, section 5).
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
  std::vector<EditPlace> places;  // one; for MEMIT the layers of one projection
  std::set<int64_t> counts;       // so many facts in one model: a point each
  // The edits should leave these texts as probable as they were (CheckEdits).
  std::vector<std::vector<int64_t>> texts;
  std::function<void(int64_t done, int64_t total)> progress = {};  // searches
};

// A point is about models that hold `edits` facts each.
struct MassEditPoint {
  int64_t edits = 0;
  EditMeans means = {}, pre = {};  // over the edited records, after the edits and before
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

// Returns the counts that are asked for, or the number of all records where none is. Throws Error
// for a count of more records than there are.
std::set<int64_t> EditCounts(const std::vector<int64_t>& asked, int64_t records);

// Prepares the records that will be edited. MEMIT edits all of them, in as many models as it takes;
// ROME edits one model, of the largest count. Throws Error as PrepareRecord does.
std::vector<RewritePrompts> PrepareRecords(const EditInputs& inputs,
                                           const std::vector<DatasetRecord>& records,
                                           const EditMethod& method,
                                           const std::set<int64_t>& counts);

// Makes the edits and measures them. REQUIRES: `rewrites` are PrepareRecords of the records
MassEdits EditTogether(const EditInputs& inputs, const EditEvaluator& evaluate,
                       const std::vector<DatasetRecord>& records,
                       const std::vector<RewritePrompts>& rewrites, const MassEditOptions& options);

}  // namespace mambascope
