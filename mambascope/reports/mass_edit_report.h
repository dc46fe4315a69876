// Many edits at once (MEMIT): the measures by the number of edits, as a figure.
#pragma once

#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/figures/line_chart.h"

namespace mambascope {

// A row is {edits, ES, PS, NS, S, ci95: {ES: [low, high], ..}, change_norm, weight_norm, seconds_per_edit}: of the records that were edited
// together, in percent, with the means of EditSweepJson. What has no value is null or absent. From few edits to many.
struct MemitCurve {
  Json options;  // what made it
  std::vector<Json> rows;
};

// S, ES, PS and NS by the number of edits. REQUIRES: !curve.rows.empty()
LineChart MemitChart(const MemitCurve& curve);

// The figure, or for a single row its numbers alone.
std::string MemitPage(const MemitCurve& curve);

}  // namespace mambascope
