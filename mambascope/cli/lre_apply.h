// `lre --apply` applies a saved operator to a subject. It prints the operator's most probable
// tokens beside the model's.
#pragma once

#include "mambascope/cli/lre_setup.h"

namespace mambascope {

// Throws Error when the file is not an operator, or when it was made from another checkpoint.
void ApplyLre(const CommonArguments& common, const LreArguments& arguments);

}  // namespace mambascope
