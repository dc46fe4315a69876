// `lre --apply`: what a saved operator says of a subject, beside the model.
#pragma once

#include "mambascope/cli/lre_setup.h"

namespace mambascope {

// Throws Error for a file that is no operator, or one of another checkpoint.
void ApplyLre(const CommonArguments& common, const LreArguments& arguments);

}  // namespace mambascope
