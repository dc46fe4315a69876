// A layer sweep of edits becomes the four panels of Figure 6 of Sharma et al. (2024), two more
// figures, and lines for a terminal.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mambascope/experiments/editing/edit_sweep.h"
#include "mambascope/figures/line_chart.h"
#include "mambascope/figures/line_panels.h"
#include "mambascope/figures/page.h"

namespace mambascope {

// The panels ES, PS, NS and S (for zsRE three accuracies and S) by layer, in percent. Each has a
// curve per projection, and the unedited model as the reference. There are none for fewer than two
// layers, or for one record, whose measures would be 0 or 100.
std::optional<LinePanels> EditSweepPanels(const EditSweepResult& sweep);

// The passes of a value search, and |change of W| / |W| in percent, by layer with a curve per
// projection. There are none for fewer than two layers.
std::vector<LineChart> EditSearchCharts(const EditSweepResult& sweep);

Page EditSweepPage(const EditSweepResult& sweep);

// A table of S and its parts by projection and layer, at most 80 columns wide. A star marks the
// best row. If there are many rows, layers are left out evenly, but never a projection's best.
std::string EditSweepText(const EditSweepResult& sweep);
// How many records were edited, and that table.
std::string EditRecordsText(const EditSweepResult& sweep);

}  // namespace mambascope
