// A layer sweep of edits as edit.json (docs/cli.md), as figures after Figure 6 of Sharma et al. (2024), and as lines for a terminal. Every
// record is rewritten at every layer of every projection, one edit at a time, and measured (experiments/edit_evaluation).
#pragma once

#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/figures/line_chart.h"

namespace mambascope {

// A line is a record, its measures before any edit, and its edits, which have the same layers and projections in every line:
//   {case_id, relation, prompt, subject, target_new, target_true, pre: {..}, edits: [{layer, projection, .., entropy, reference, steps,
//    loss, p, stopped, change_norm, weight_norm, seconds}, ..]}
// The dots are ES, PS, NS (success), ED, PD, ND (magnitude), EA, PA, NA (accuracy): shares from 0 to 1, differences from -1 to 1. One that
// the record has no prompts for is null or absent; so are entropy (in bits) and reference (a cosine) where nothing was generated.
struct EditSweep {
  Json options;  // what made it
  std::vector<Json> lines;
};

// What edit.json holds:
//   {options, pre: {records, ES, .., S, ci95: {ES: [low, high], .., S}}, best: {layer, projection, S} or null, records: the lines,
//    sweep: [{layer, projection, and what pre has, seconds_per_edit, steps, change_norm, weight_norm, stopped: {why: edits}}, ..]}
// All measures are means over the records that have them, times 100, as the public implementations of ROME print them (entropy and
// reference too, which are absent where no line has them): ES to NS and EA to NA are percent. S is HarmonicMeanOfRounded of ES, PS and NS;
// its interval is linearized (the delta method), with records as they are: their ES, PS and NS are not independent. What has no value is
// null. `sweep` has the projections in the order of the lines, each from its lowest layer up. seconds_per_edit, steps (passes of the value
// search) and change_norm (|change of W|) are means as they are. `best` has the highest S.
Json EditSweepJson(const EditSweep& sweep);

// By layer, a curve per projection: S, ES, PS and NS in percent, with the model before any edit as a reference; passes per value search;
// |change of W| / |W| in percent. None for fewer than two layers.
std::vector<LineChart> EditSweepCharts(const EditSweep& sweep);

std::string EditSweepPage(const EditSweep& sweep);

// ES, PS, NS and S by projection and layer, at most 80 columns wide, the best row with a star. Of many rows, layers are left out evenly,
// never a projection's best.
std::string EditSweepText(const EditSweep& sweep);

}  // namespace mambascope
