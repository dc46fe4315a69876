// Many edits in one model become a figure of the measures by the number of edits, and lines for a
// terminal.
#pragma once

#include <string>

#include "mambascope/experiments/editing/mass_edit.h"
#include "mambascope/figures/line_chart.h"

namespace mambascope {

// S and its three parts by the number of edits. REQUIRES: !result.points.empty()
LineChart MassEditChart(const MassEditResult& result);

// The figure, or for a single point its numbers alone.
std::string MassEditPage(const MassEditResult& result);

// There is a line for each number of edits, with the model's perplexity and its most changed
// weight, and the warnings.
std::string MassEditText(const MassEditResult& result);

}  // namespace mambascope
