#include "mambascope/experiments/editing/moments_result.h"

#include <limits>

namespace mambascope {
namespace {

Json ConvergenceJson(const Convergence& convergence) {
  Json points = Json::array();
  for (size_t i = 0; i < convergence.tokens.size(); ++i)
    points.push_back({{"tokens", convergence.tokens[i]}, {"change", convergence.change[i]}});
  return points;
}

Convergence ReadConvergence(const Json& points) {
  Convergence convergence;
  for (const Json& point : points) {
    convergence.tokens.push_back(point.at("tokens"));
    convergence.change.push_back(point.at("change").get<std::optional<double>>());
  }
  return convergence;
}

}  // namespace

void to_json(Json& json, const MomentsResult& result) {
  json = {{"options", result.options}, {"moments", Json::array()}};
  for (const MomentResult& m : result.moments) {
    json["moments"].push_back({{"site", SiteName(m.place.site)},
                               {"layer", m.place.layer},
                               {"projections", result.projections.at(m.place)},
                               {"width", m.width},
                               {"tokens", m.tokens},
                               {"documents", m.documents},
                               {"condition", std::optional(m.condition)},
                               {"convergence", ConvergenceJson(m.convergence)}});
  }
}

// A null condition is read as infinite.
void from_json(const Json& json, MomentsResult& result) {
  result = {.options = json.at("options"), .projections = {}, .moments = {}};
  for (const Json& m : json.at("moments")) {
    const Place place{ReadSite(m.at("site").get<std::string>()), m.at("layer")};
    result.projections[place] = m.at("projections").get<std::vector<std::string>>();
    result.moments.push_back({.place = place,
                              .width = m.at("width"),
                              .tokens = m.at("tokens"),
                              .documents = m.at("documents"),
                              .condition = m.at("condition")
                                               .get<std::optional<double>>()
                                               .value_or(std::numeric_limits<double>::infinity()),
                              .convergence = ReadConvergence(m.at("convergence"))});
  }
}

}  // namespace mambascope
