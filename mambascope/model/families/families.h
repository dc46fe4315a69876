// The layers of each family. `w` is scoped to the layer, and `layer` is its index, from 0.
#pragma once

#include <memory>

#include "mambascope/checkpoint/config.h"
#include "mambascope/model/layer.h"
#include "mambascope/model/weights.h"

namespace mambascope {

std::unique_ptr<Layer> MakeMamba1Layer(const Config& config, const Weights& w, int64_t layer);
std::unique_ptr<Layer> MakeMamba2Layer(const Config& config, const Weights& w, int64_t layer);
std::unique_ptr<Layer> MakeNeoxLayer(const Config& config, const Weights& w, int64_t layer);
std::unique_ptr<Layer> MakeGpt2Layer(const Config& config, const Weights& w, int64_t layer);
std::unique_ptr<Layer> MakeLlamaLayer(const Config& config, const Weights& w, int64_t layer);

std::unique_ptr<Layer> MakeGraniteHybridLayer(const Config& config, const Weights& w,
                                              int64_t layer);

std::unique_ptr<Layer> MakeBambaLayer(const Config& config, const Weights& w, int64_t layer);
std::unique_ptr<Layer> MakeNemotronHLayer(const Config& config, const Weights& w, int64_t layer);

}  // namespace mambascope
