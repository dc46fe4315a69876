// Results of edits that are each made alone in the model, as the lines of edit.jsonl hold them
// (edit_json.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mambascope/experiments/editing/edit_measures.h"

namespace mambascope {

// Identifies a record of a data set in result files.
struct EditRecord {
  int64_t case_id = 0;
  std::string relation;  // empty where the data set has none
  std::string prompt;    // with one {} for the subject
  std::string subject, target_new, target_true;
  std::string digest;  // digest of the record's other fields, which it is evaluated by
};

// One edit of one record. The norms are Frobenius norms of W and of its change W' - W.
struct RecordEdit {
  int layer = 0;
  std::string projection;
  int64_t steps = 0;       // passes of the value search
  double loss = 0, p = 0;  // at the last pass (LossStep)
  std::string stopped;     // what ended the search: "loss", "probability" or "steps"
  double change_norm = 0, weight_norm = 0;
  double seconds = 0;
  EditScores scores = {};  // of the edited model
};

// All records of a sweep have edits at the same places, in any order.
struct RecordResult {
  EditRecord record;
  EditScores pre = {};  // of the unedited model
  std::vector<RecordEdit> edits = {};
};

}  // namespace mambascope
