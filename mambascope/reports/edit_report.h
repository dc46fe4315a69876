// A layer sweep of edits becomes figures after Figure 6 of Sharma et al. (2024), and lines for a
// terminal.
#pragma once

#include <string>
#include <vector>

#include "mambascope/experiments/editing/edit_sweep.h"
#include "mambascope/figures/line_chart.h"

namespace mambascope {

// Charts have a curve per projection by layer. They show S and its three parts in percent, with the
// unedited model as a reference, passes per value search, and |change of W| / |W| in percent.
// There are none for fewer than two layers.
std::vector<LineChart> EditSweepCharts(const EditSweepResult& sweep);

std::string EditSweepPage(const EditSweepResult& sweep);

// The table has S and its parts by projection and layer, is at most 80 columns wide, and marks the
// best row with a star. Of many rows, layers are left out evenly, but never a projection's best.
std::string EditSweepText(const EditSweepResult& sweep);

}  // namespace mambascope
