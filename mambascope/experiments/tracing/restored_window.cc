#include "mambascope/experiments/tracing/restored_window.h"

#include <algorithm>

namespace mambascope {

std::vector<Place> TracedColumns(const Model& model, Site site) {
  if (site == Site::kEmbed) return {{site, kEmbedLayer}};
  std::vector<Place> places;
  for (int l = 0; l < model.layers(); ++l) places.push_back({site, l});
  return places;
}

std::vector<Place> PlacesInWindow(const Model& model, const std::vector<Place>& columns, int window,
                                  size_t column) {
  const Span around =
      WindowAround(static_cast<int>(column), window, static_cast<int>(columns.size()));
  std::vector<Place> places;
  std::copy_if(columns.begin() + around.begin, columns.begin() + around.end,
               std::back_inserter(places), [&](const Place& place) { return model.Has(place); });
  return places;
}

Variant RestoreStates(const FactRuns& runs, size_t fact, const std::vector<Place>& places,
                      int64_t from, int64_t to) {
  Variant variant;
  for (const Place& place : places)
    variant.push_back(Set{{place.site, place.layer, to}, runs.clean.Value(place, fact, from)});
  return variant;
}

}  // namespace mambascope
