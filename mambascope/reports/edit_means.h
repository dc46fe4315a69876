// Means over edited records become cells of a terminal's table.
#pragma once

#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/editing/edit_summary.h"

namespace mambascope {

// "93.56"; "-" if there is no mean.
std::string PercentText(const MeasureMean& mean);

// PrincipalMeans with S at the front.
std::vector<NamedMean> ScoreFirst(std::vector<NamedMean> means);

// "S 93.56, ES 99.75 [99.1, 100.0], ..": the means with their intervals.
std::string MeasuresLine(const EditMeans& means);

// The heads of a table's columns, and the numbers of a row. ES, PS, NS and S take 8 characters
// each; zsRE's accuracies and S take 10 each.
std::string MeanHeads(const EditMeans& means);
std::string MeanCells(const EditMeans& means);

// "ROME" or "MEMIT"; `otherwise` if the options have no method.
std::string MethodName(const Json& options, const std::string& otherwise);

// The unit of the numbers: "Percent", or for zsRE "Percent of correct tokens".
const char* PercentName(EditBenchmark benchmark);

}  // namespace mambascope
