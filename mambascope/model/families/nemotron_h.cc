// Nemotron-H (NVIDIA 2025): each block has one part, which is a Mamba-2 mixer, attention without
// positions, or an MLP with squared ReLU.
//
//   h' = h + Part(RMSNorm(h))
#include "mambascope/error.h"
#include "mambascope/model/attention.h"
#include "mambascope/model/block.h"
#include "mambascope/model/families/families.h"
#include "mambascope/model/mamba.h"
#include "mambascope/model/mlp.h"
#include "mambascope/model/norms.h"

namespace mambascope {
namespace {

std::unique_ptr<Part> LoadPart(const Config& config, LayerKind kind, const Weights& w) {
  switch (kind) {
    case LayerKind::kMamba: return MakeMamba2(config.ssm, config.d_model, w);
    case LayerKind::kAttention:
      return LoadAttention({.config = config.attention, .edits_output = true}, config.d_model, w);
    case LayerKind::kMlp: return LoadMlp(config.mlp, config.d_model, w);
  }
  throw Error("unknown kind of layer");
}

}  // namespace

std::unique_ptr<Layer> MakeNemotronHLayer(const Config& config, const Weights& w, int64_t layer) {
  const LayerKind kind = config.layer_kinds.at(static_cast<size_t>(layer));
  return MakeBlock(config.d_model, {{.kind = kind == LayerKind::kMlp ? Sublayer::Kind::kMlp
                                                                     : Sublayer::Kind::kMixer,
                                     .norm = LoadRmsNorm(w, "norm", config),
                                     .parts = {LoadPart(config, kind, w.Scope("mixer"))}}});
}

}  // namespace mambascope
