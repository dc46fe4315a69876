#include "mambascope/experiments/tracing/restored_window.h"

#include <algorithm>

namespace mambascope {

std::vector<std::string> PublishedSites(const Model& model) {
  const std::vector<SiteInfo> sites = model.sites();
  std::vector<std::string> names;
  for (const Site site :
       {Site::kResid, Site::kMixerOut, Site::kSsmOut, Site::kGate, Site::kMlpOut, Site::kMixed}) {
    const bool has = std::any_of(sites.begin(), sites.end(),
                                 [&](const SiteInfo& info) { return info.site == site; });
    if (has && names.size() < 4) names.emplace_back(SiteName(site));
  }
  return names;
}

std::vector<Place> TracedColumns(const Model& model, Site site) {
  if (site == Site::kEmbed) return {{site, kEmbedLayer}};
  std::vector<Place> places;
  for (int l = 0; l < model.layers(); ++l) places.push_back({site, l});
  return places;
}

Variant RestoreWindow(const Model& model, const FactRuns& runs, size_t fact, const TracedSite& at,
                      size_t column, int64_t from, int64_t to) {
  const std::vector<Place> columns = TracedColumns(model, at.site);
  const Span window =
      WindowAround(static_cast<int>(column), at.window, static_cast<int>(columns.size()));
  Variant variant;
  for (int64_t c = window.begin; c < window.end; ++c) {
    const Place place = columns[static_cast<size_t>(c)];
    if (!model.Has(place)) continue;
    variant.push_back(Set{{place.site, place.layer, to}, runs.clean.State(place, fact)[from]});
  }
  return variant;
}

}  // namespace mambascope
