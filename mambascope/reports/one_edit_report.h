// One edit as figures of its value search, and as lines for a terminal.
#pragma once

#include <string>
#include <vector>

#include "mambascope/experiments/editing/one_edit.h"
#include "mambascope/figures/line_chart.h"

namespace mambascope {

// By pass: the loss and its parts in nats; p(target). None for fewer than two passes.
std::vector<LineChart> EditCharts(const OneEditResult& edit);

std::string EditPage(const OneEditResult& edit);

// What the model says before and after, side by side, and what the edit took.
std::string EditText(const OneEditResult& edit);

}  // namespace mambascope
