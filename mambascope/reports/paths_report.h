// Path-specific effects as paths.json (docs/cli.md) and as a figure.
#pragma once

#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/tracing/paths.h"
#include "mambascope/figures/line_chart.h"

namespace mambascope {

struct PathsResult {
  Json options;    // what made it
  std::string at;  // subject_last or prompt_last
  std::vector<std::string> conditions;
  std::vector<FactPaths> facts;
  std::vector<RelationCount> relations = {};  // none: a fact given alone
};

// What paths.json holds.
Json PathsJson(const PathsResult& result);

// IE by layer, a curve per condition.
LineChart PathsChart(const PathsResult& result);

std::string PathsPage(const PathsResult& result);

}  // namespace mambascope
