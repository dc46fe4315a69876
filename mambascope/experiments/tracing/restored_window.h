// The states that one cell of a trace restores: those of a site, at one token, in a window of
// layers.
#pragma once

#include <vector>

#include "mambascope/experiments/facts/traced_fact.h"
#include "mambascope/experiments/windows.h"

namespace mambascope {

// A site, and the number of layers around the cell's layer that are restored together.
struct TracedSite {
  Site site = Site::kResid;
  int window = 1;
};

// Returns the places of a traced site, one for each column of the grid. A column is a layer, which
// may lack the site. Site::kEmbed has one column.
std::vector<Place> TracedColumns(const Model& model, Site site);

// Returns the columns of the window around `column`, without those that lack the site.
std::vector<Place> PlacesInWindow(const Model& model, const std::vector<Place>& columns, int window,
                                  size_t column);

// Returns a variant of the corrupted run. At token `to` it restores the clean run's states of token
// `from` at `places`. REQUIRES: runs.clean keeps these states.
Variant RestoreStates(const FactRuns& runs, size_t fact, const std::vector<Place>& places,
                      int64_t from, int64_t to);

}  // namespace mambascope
