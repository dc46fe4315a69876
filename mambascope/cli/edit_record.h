// The records that `edit` is given, and how it judges them.
#pragma once

#include <vector>

#include "mambascope/cli/edit_setup.h"
#include "mambascope/experiments/editing/edit_evaluation.h"
#include "mambascope/experiments/editing/record_choice.h"

namespace mambascope {

// Chooses --limit of the records, in a random order; without --all-facts, those whose true object
// the model knows. Throws Error when that leaves none.
ChosenRecords ChooseRecords(const CommonOptions& common, const EditOptions& options, const EditSetup& setup);

// With --generate it measures texts, too. REQUIRES: the setup outlives it.
EditEvaluator MakeEvaluator(const CommonOptions& common, const EditOptions& options, const EditSetup& setup);

// The options in result files of records.
Json EchoRecords(const CommonOptions& common, const EditOptions& options, const EditSetup& setup);

}  // namespace mambascope
