// Results of several files that one figure can compare.
#pragma once

#include <vector>

#include "mambascope/reports/result_files.h"

namespace mambascope {

// Joins traces of the same facts, so that their models and sites become panels on one scale. The
// same holds for path-specific effects, and for knockouts of the same facts and flows, whose models
// become curves of one figure. Other results stay as they are. A joined result takes the place of
// the first file; `more` names the others.
std::vector<ResultFile> MergeRuns(std::vector<ResultFile> files);

}  // namespace mambascope
