// The states that one cell of a trace restores: those of a site, at one token, in a window of
// layers.
#pragma once

#include <string>
#include <vector>

#include "mambascope/experiments/facts/traced_fact.h"
#include "mambascope/experiments/windows.h"

namespace mambascope {

// States that are restored: a site, and a number of layers together, around the cell's layer.
struct TracedSite {
  Site site = Site::kResid;
  int window = 1;
};

// Returns the names of the sites of the published figures (Sharma et al. 2024, Figures 2 and 3), as
// far as the model has them. Other sites stand in for some that it lacks; there are at most four.
std::vector<std::string> PublishedSites(const Model& model);

// Returns the places of a traced site, one per column of the grid: one for each layer, which may
// lack the site. Site::kEmbed has one column.
std::vector<Place> TracedColumns(const Model& model, Site site);

// Returns a variant that sets the clean run's states of token `from` at token `to` of the corrupted
// run, in the columns of the window around `column`. REQUIRES: runs.clean keeps them.
Variant RestoreWindow(const Model& model, const FactRuns& runs, size_t fact, const TracedSite& at,
                      size_t column, int64_t from, int64_t to);

}  // namespace mambascope
