// The layers of each family, one function per family file. `w` is scoped to the layer.
#pragma once

#include <memory>

#include "mambascope/checkpoint/config.h"
#include "mambascope/model/layer.h"
#include "mambascope/model/weights.h"

namespace mambascope {

std::unique_ptr<Layer> MakeMamba1Layer(const Config& config, const Weights& w);
std::unique_ptr<Layer> MakeMamba2Layer(const Config& config, const Weights& w);
std::unique_ptr<Layer> MakeNeoxLayer(const Config& config, const Weights& w);
std::unique_ptr<Layer> MakeGpt2Layer(const Config& config, const Weights& w);
std::unique_ptr<Layer> MakeLlamaLayer(const Config& config, const Weights& w);

}  // namespace mambascope
