// Edits many facts in one model: MEMIT all at once, ROME one after the other (Meng et al. 2023,
// section 5).
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

// What many edits are at: searching values or making edits, or evaluating a model.
enum class MassEditStage { kEdits, kUneditedModel, kEditedModel };

struct MassEditOptions {
  EditMethod method;
  std::vector<EditPlace> places;  // one; for MEMIT the layers of one projection
  std::set<int64_t> counts;       // numbers of facts per model; each gives a point
  // The edits should not change how probable these texts are (CheckEdits).
  std::vector<std::vector<int64_t>> texts;
  // Counts value searches or evaluated records, from 0 for each stage. ROME's stages alternate.
  std::function<void(MassEditStage stage, double done, int64_t total)> progress = {};
};

// Averages over models that each hold `edits` facts.
struct MassEditPoint {
  int64_t edits = 0;
  EditMeans means = {}, pre = {};  // over the edited records, after and before the edits
  double seconds_per_edit = 0;
  EditHealth health = {};  // of the model with the first `edits` facts
};

struct MassEditedRecord {
  EditRecord record;
  EditScores pre = {}, post = {};  // post: in the model with the largest count
};

// Result of many edits in one model, as stored in edit.json.
struct MassEditResult {
  Json options;  // the run's options (RunDescription)
  RecordChoice choice = {};
  std::vector<MassEditPoint> points = {};  // from few edits to many
  std::vector<MassEditedRecord> records = {};
};

struct MassEdits {
  std::vector<MassEditPoint> points;
  std::vector<MassEditedRecord> records;
  std::vector<Edit> edits;  // of the model with the largest count
};

// Returns the requested counts, or the number of all records when none is requested. Throws Error
// for a count above the number of records.
std::set<int64_t> EditCounts(const std::vector<int64_t>& asked, int64_t records);

// Prepares the records that will be edited. MEMIT edits all of them, in as many models as needed;
// ROME edits one model with the largest count. Throws Error when PrepareRecord does.
std::vector<RewritePrompts> PrepareRecords(const EditInputs& inputs,
                                           const std::vector<DatasetRecord>& records,
                                           const EditMethod& method,
                                           const std::set<int64_t>& counts);

// Makes the edits and measures them. REQUIRES: `rewrites` come from PrepareRecords of `records`
MassEdits EditTogether(const EditInputs& inputs, const EditEvaluator& evaluate,
                       const std::vector<DatasetRecord>& records,
                       const std::vector<RewritePrompts>& rewrites, const MassEditOptions& options);

}  // namespace mambascope
