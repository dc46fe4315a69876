// Mamba-1 (Gu & Dao 2023), Falcon-Mamba and Mamba-2 (Dao & Gu 2024): h' = h + Mixer(RMSNorm(h)).
#include "mambascope/model/mamba.h"

#include "mambascope/model/block.h"
#include "mambascope/model/families/families.h"
#include "mambascope/model/norms.h"

namespace mambascope {
namespace {

std::unique_ptr<Layer> MakeMambaBlock(const Config& config, const Weights& w,
                                      std::unique_ptr<Part> mixer) {
  return MakeBlock(config.d_model, {{.kind = Sublayer::Kind::kMixer,
                                     .norm = LoadRmsNorm(w, "norm", config),
                                     .parts = {std::move(mixer)}}});
}

}  // namespace

std::unique_ptr<Layer> MakeMamba1Layer(const Config& config, const Weights& w, int64_t /*layer*/) {
  return MakeMambaBlock(config, w, MakeMamba1(config.ssm, config.d_model, w.Scope("mixer")));
}

std::unique_ptr<Layer> MakeMamba2Layer(const Config& config, const Weights& w, int64_t /*layer*/) {
  return MakeMambaBlock(config, w, MakeMamba2(config.ssm, config.d_model, w.Scope("mixer")));
}

}  // namespace mambascope
