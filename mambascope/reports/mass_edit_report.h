// Many edits in one model become a figure of the measures by the number of edits, and lines for a
// terminal.
#pragma once

#include <optional>
#include <string>

#include "mambascope/experiments/editing/mass_edit.h"
#include "mambascope/figures/line_chart.h"
#include "mambascope/figures/page.h"

namespace mambascope {

// S and its three parts by the number of edits, on a logarithmic axis. A point of one record is
// left out, because its measures would be 0 or 100. There is no chart for fewer than two points.
std::optional<LineChart> MassEditChart(const MassEditResult& result);

// The figure if there is one, and the numbers of each point.
Page MassEditPage(const MassEditResult& result);

// A line for each number of edits, with the model's perplexity and its most changed weight, and
// the warnings.
std::string MassEditText(const MassEditResult& result);

}  // namespace mambascope
