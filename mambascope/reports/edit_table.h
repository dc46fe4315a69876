// A layer sweep of edits as a table: the measures' means over records before any edit, and by projection and layer after one.
#pragma once

#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/editing/edit_health.h"

namespace mambascope {

// The rows of one projection, from its lowest layer up, as edit.json holds them (edit_report.h).
struct ProjectionRows {
  std::string projection;
  std::vector<Json> rows;
};

struct EditTable {
  Json pre;                                 // the model before any edit, as edit.json holds it
  std::vector<ProjectionRows> projections;  // in the order of the lines
};

// `lines` as in EditSweep (edit_report.h).
EditTable TableOf(const std::vector<Json>& lines);

// The row of the highest S, the first of several; null where none has one. It lives as long as what it is of.
const Json* BestOf(const ProjectionRows& projection);
const Json* BestOf(const EditTable& table);

// All layers that some projection has, from the lowest up.
std::vector<int> LayersOf(const EditTable& table);

// {records, ES, .., S, ci95: {..}}: the means of some records' measures, as EditSweepJson's rows have them.
Json MeasuresRow(const std::vector<Json>& measures);

// {perplexity: {before, after}, weights: [{layer, projection, change_norm, weight_norm}, ..], warnings: [text, ..]}.
Json HealthJson(const EditHealth& health);

}  // namespace mambascope
