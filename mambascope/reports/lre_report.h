// Linear relational embeddings become figures after Figures 7, 12 and 13 of Sharma et al. (2024),
// and a table for a terminal.
#pragma once

#include <string>

#include "mambascope/experiments/lre/lre_summary.h"
#include "mambascope/figures/dot_plot.h"
#include "mambascope/figures/line_chart.h"
#include "mambascope/figures/page.h"
#include "mambascope/figures/scatter.h"

namespace mambascope {

// The faithfulness of each relation's operator, the most faithful first. Beside it stand the other
// operators at the same layers, and chance. REQUIRES: some relations were measured.
DotPlot LreRelationsPlot(const LreResult& lre);

// The means over relations of faithfulness and causality, by layer. REQUIRES: some relations were
// measured.
LineChart LreLayersChart(const LreResult& lre);

// Faithfulness by the number of a relation's distinct objects. REQUIRES: some relations were
// measured.
Scatter LreRangeScatter(const LreResult& lre);

// The figures. If no relation was measured, the page says why.
Page LrePage(const LreResult& lre);

// A table with a line per relation, the means over relations, and the skipped parts. If a
// relation's trials chose different layers, the table says "differs"; a line below it has these
// layers, and the values at the best layer of the mean over trials.
std::string LreText(const LreResult& lre);

}  // namespace mambascope
