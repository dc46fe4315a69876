// A layer sweep of edits as figures after Figure 6 of Sharma et al. (2024), and as lines for a terminal.
#pragma once

#include <string>
#include <vector>

#include "mambascope/experiments/editing/edit_sweep.h"
#include "mambascope/figures/line_chart.h"

namespace mambascope {

// By layer, a curve per projection: S and its three parts in percent, with the unedited model as a reference; passes per value search;
// |change of W| / |W| in percent. None for fewer than two layers.
std::vector<LineChart> EditSweepCharts(const EditSweepResult& sweep);

std::string EditSweepPage(const EditSweepResult& sweep);

// S and its parts by projection and layer, at most 80 columns wide, the best row with a star. Of many rows, layers are left out evenly,
// never a projection's best.
std::string EditSweepText(const EditSweepResult& sweep);

}  // namespace mambascope
