// One page of any results, of any commands and models: the published figures in their published
// order, what each of them shows, and a browser of traced facts.
#pragma once

#include <string>
#include <vector>

#include "mambascope/figures/page.h"
#include "mambascope/reports/result_files.h"

namespace mambascope {

// REQUIRES: there are results.
Page ReportPage(const std::vector<ResultFile>& files);

// The largest and the smallest value of a figure's table, with their keys. Empty for fewer than two
// values. Figures without a finding of their own have it.
std::string ExtremesFinding(const Json& spec);

}  // namespace mambascope
