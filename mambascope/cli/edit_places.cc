#include "mambascope/cli/edit_places.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "mambascope/error.h"

namespace mambascope {
namespace {

constexpr size_t kMemitLayers = 5;

// The projection that the published edits of a layer's architecture change.
std::string DefaultProjection(const Model& model, int layer) {
  const std::vector<EditableWeight> weights = model.layer(layer).editable();
  if (weights.empty())
    throw Error(fmt::format("layer {} has no projection that can be edited", layer));
  return weights.back().name;
}

// The share of the depth at which published edits change a layer, or the last of their layers.
double PublishedDepth(EditRun run, const std::string& model_type, const std::string& projection) {
  if (model_type == "gpt2") return 0.355;
  if (run == EditRun::kMemit) return 0.29;
  if (projection == "W_a") return 0.285;
  return projection == "W_down" ? 0.18 : 0.22;
}

// The place in `layers`, which ascend, of the layer that is nearest to `wanted`.
size_t NearestTo(int wanted, const std::vector<int>& layers) {
  const auto nearest = std::min_element(layers.begin(), layers.end(), [&](int a, int b) {
    return std::abs(a - wanted) < std::abs(b - wanted);
  });
  return static_cast<size_t>(nearest - layers.begin());
}

// The first of the projections, or the one that is edited by default.
std::string FirstProjection(const std::vector<std::string>& projections, const Model& model) {
  if (!projections.empty()) return ParseProjections(projections, model).at(0);
  for (int layer = 0; layer < model.layers(); ++layer) {
    if (!model.layer(layer).editable().empty()) return DefaultProjection(model, layer);
  }
  throw Error("the model has no projection that can be edited");
}

std::string DefaultLayers(EditRun run, const std::vector<std::string>& projections,
                          const Model& model) {
  const std::string projection = FirstProjection(projections, model);
  const std::vector<int> layers = model.LayersWith(projection);
  const size_t last =
      NearestTo(PublishedLayer(run, model.config().model_type, projection, model.layers()), layers);
  const size_t count = run == EditRun::kMemit ? std::min(kMemitLayers, last + 1) : 1;
  const size_t first = last + 1 - count;
  if (count == 1) return std::to_string(layers[last]);
  if (layers[last] - layers[first] == static_cast<int>(count) - 1)
    return fmt::format("{}-{}", layers[first], layers[last]);
  return fmt::format("{}", fmt::join(layers.begin() + static_cast<int64_t>(first),
                                     layers.begin() + static_cast<int64_t>(last + 1), ","));
}

std::vector<EditPlace> PlacesOf(const std::string& layers,
                                const std::vector<std::string>& projections, const Model& model) {
  if (!projections.empty()) return ParseEditPlaces(layers, projections, model);
  std::vector<EditPlace> places;
  for (const int layer : ParseLayers(layers, model.layers())) {
    if (layers == "all" && model.layer(layer).editable().empty()) continue;
    places.push_back({layer, DefaultProjection(model, layer)});
  }
  return places;
}

}  // namespace

int PublishedLayer(EditRun run, const std::string& model_type, const std::string& projection,
                   int layers) {
  return static_cast<int>(std::floor(PublishedDepth(run, model_type, projection) * layers));
}

ChosenPlaces ChoosePlaces(const std::string& layers, const std::vector<std::string>& projections,
                          EditRun run, const Model& model) {
  const bool choose = layers.empty() && run != EditRun::kSweep;
  ChosenPlaces chosen{.places = {},
                      .layers = choose ? DefaultLayers(run, projections, model) : layers,
                      .are_layers_chosen = choose};
  if (chosen.layers.empty()) chosen.layers = "all";
  chosen.places = PlacesOf(chosen.layers, projections, model);
  return chosen;
}

}  // namespace mambascope
