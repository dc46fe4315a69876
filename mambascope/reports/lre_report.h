// Linear relational embeddings become figures after Figures 7, 12 and 13 of Sharma et al. (2024),
// and a table for a terminal.
#pragma once

#include <string>

#include "mambascope/experiments/lre/lre_summary.h"
#include "mambascope/figures/dot_plot.h"
#include "mambascope/figures/line_chart.h"
#include "mambascope/figures/scatter.h"

namespace mambascope {

// Faithfulness of each relation's operator, the most faithful first, beside that of the operators
// that it is measured against at the same layers, and chance. REQUIRES: some relations were
// measured, here and below
DotPlot LreRelationsPlot(const LreResult& lre);

// The means over relations of faithfulness and causality, by layer.
LineChart LreLayersChart(const LreResult& lre);

// Faithfulness by the number of a relation's distinct objects.
Scatter LreRangeScatter(const LreResult& lre);

// The figures, or where no relation was measured why not.
std::string LrePage(const LreResult& lre);

// A line per relation, at most 80 columns wide, the means over relations, and what was skipped.
std::string LreText(const LreResult& lre);

}  // namespace mambascope
