// Means over edited records are cells of a terminal's table.
#pragma once

#include <string>
#include <vector>

#include "mambascope/experiments/editing/edit_summary.h"

namespace mambascope {

// "93.56"; "-" where there is no mean.
std::string PercentText(const MeasureMean& mean);

// PrincipalMeans with S at the front.
std::vector<NamedMean> ScoreFirst(std::vector<NamedMean> means);

// These are the heads of a table's columns, and a row's numbers: ES, PS, NS and S with 8 characters
// each, or zsRE's accuracies and S with 10 each.
std::string MeanHeads(const EditMeans& means);
std::string MeanCells(const EditMeans& means);

// This says what the numbers are: "Percent", or of zsRE "Percent of correct tokens".
const char* PercentName(EditBenchmark benchmark);

}  // namespace mambascope
