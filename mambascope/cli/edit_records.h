// Records of a data set: each is edited, at every place asked for, and the edited model evaluated.
#pragma once

#include "mambascope/cli/edit_setup.h"

namespace mambascope {

// Writes OUT/edit.jsonl, a line per record as it comes, and OUT/edit.json and OUT/edit.html of all.
void EditRecords(const CommonArguments& common, const EditArguments& arguments,
                 const OutputFolder& out, RunDescription run);

}  // namespace mambascope
