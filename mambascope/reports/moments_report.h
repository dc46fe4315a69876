// The second moments of a run as moments.json (docs/cli.md), and how far they have converged as figures.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/editing/moments_run.h"
#include "mambascope/figures/line_chart.h"

namespace mambascope {

struct MomentsReport {
  Json options;                                          // what made it
  std::map<Site, std::vector<std::string>> projections;  // the weights that read a site
  std::vector<MomentResult> moments;
};

// What moments.json holds.
Json MomentsJson(const MomentsReport& report);

// The relative change of C^-1 k by tokens at one site, a curve per layer. REQUIRES: some moments there have been watched.
LineChart MomentsChart(const MomentsReport& report, Site site);

std::string MomentsPage(const MomentsReport& report);

}  // namespace mambascope
