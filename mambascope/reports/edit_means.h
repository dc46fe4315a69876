// Means over edited records as cells of a terminal's table.
#pragma once

#include <string>
#include <vector>

#include "mambascope/experiments/editing/edit_summary.h"

namespace mambascope {

// "93.56"; "-" where there is no mean.
std::string PercentText(const MeasureMean& mean);

// PrincipalMeans with S at the front.
std::vector<NamedMean> ScoreFirst(std::vector<NamedMean> means);

// The columns' heads, and their numbers: ES, PS, NS and S, 8 characters each; zsRE's accuracies and S, 10 each.
std::string MeanHeads(const EditMeans& means);
std::string MeanCells(const EditMeans& means);

// What the numbers are shares of: "Percent", or of zsRE "Percent of correct tokens".
const char* PercentName(EditBenchmark benchmark);

}  // namespace mambascope
