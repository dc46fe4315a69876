// One edit becomes figures of its value search, and lines for a terminal.
#pragma once

#include <string>
#include <vector>

#include "mambascope/experiments/editing/one_edit.h"
#include "mambascope/figures/line_chart.h"
#include "mambascope/figures/page.h"

namespace mambascope {

// By pass: the loss and its parts in nats, and p(target). There are none for fewer than two passes.
std::vector<LineChart> EditCharts(const OneEditResult& edit);

Page EditPage(const OneEditResult& edit);

// The model's answers before and after the edit, side by side, and the size of the edit.
std::string EditText(const OneEditResult& edit);

}  // namespace mambascope
