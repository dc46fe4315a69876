// The records that `edit` is given, and how it judges them.
#pragma once

#include <vector>

#include "mambascope/cli/edit_setup.h"
#include "mambascope/experiments/editing/edit_evaluation.h"
#include "mambascope/experiments/editing/record_choice.h"

namespace mambascope {

// The records of the data sets.
struct AskedRecords {
  std::vector<DatasetRecord> records;
  int64_t left_out = 0;  // records that cannot be used
};
AskedRecords ReadRecords(const CommonArguments& common, const EditArguments& options);

// --limit of the records, in a random order; without --all-facts those whose true object the model
// knows. Throws Error when that leaves none.
ChosenRecords ChooseRecords(const CommonArguments& common, const EditArguments& options,
                            const EditSetup& setup, AskedRecords asked);

// With --generate it measures texts, too. REQUIRES: the setup outlives it.
EditEvaluator MakeEvaluator(const CommonArguments& common, const EditArguments& options,
                            const EditSetup& setup);

}  // namespace mambascope
