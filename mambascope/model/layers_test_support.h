// Chooses layers for tests, since the layers of one model may differ: a layer has one mixer,
// several or none.
#pragma once

#include <algorithm>
#include <vector>

#include "mambascope/error.h"
#include "mambascope/model/model.h"

namespace mambascope {

// Returns the layers that have a mixer, in ascending order.
inline std::vector<int> MixerLayers(const Model& model) {
  std::vector<int> layers;
  for (int l = 0; l < model.layers(); ++l) {
    if (!model.layer(l).mixers().empty()) layers.push_back(l);
  }
  return layers;
}

// Returns the lowest layer from `first` up that has a mixer. Throws Error when there is none.
inline int MixerLayerFrom(const Model& model, int first) {
  for (int l = first; l < model.layers(); ++l) {
    if (!model.layer(l).mixers().empty()) return l;
  }
  throw Error("no layer from this one up has a mixer");
}

inline bool HasScan(const Layer& layer) {
  return FindMixer(layer.mixers(), MixerKind::kScan).has_value();
}

// Whether a convolution passes information between tokens.
inline bool HasConv(const Layer& layer) {
  const std::vector<Mixer> mixers = layer.mixers();
  return std::any_of(mixers.begin(), mixers.end(),
                     [](const Mixer& mixer) { return mixer.has_conv; });
}

// Returns the site of what a mixer of this kind moves between tokens. Attention beside a scan has a
// site of its own.
inline Site MovedSite(const Layer& layer, MixerKind kind) {
  if (kind == MixerKind::kScan) return Site::kSsmOut;
  return HasScan(layer) ? Site::kAttnMixed : Site::kMixed;
}

}  // namespace mambascope
