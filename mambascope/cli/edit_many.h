// Many facts in one model: by MEMIT at once, by ROME one after the other.
#pragma once

#include "mambascope/cli/edit_setup.h"

namespace mambascope {

// Writes OUT/edit.json and OUT/edit.html, the measures by the number of edits, and
// OUT/edit.safetensors, the edits of the largest number.
void EditMany(const CommonArguments& common, const EditArguments& arguments,
              const OutputFolder& out, RunDescription run);

}  // namespace mambascope
