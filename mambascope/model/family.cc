#include "mambascope/model/family.h"

#include "mambascope/error.h"
#include "mambascope/model/families/families.h"

namespace mambascope {
namespace {

// The state-spaces repositories use the name "embedding"; Hugging Face uses "embeddings".
Family MambaFamily(const WeightSource& source, decltype(&MakeMamba1Layer) make_layer) {
  return {"backbone.layers",
          source.Has("backbone.embedding.weight") ? "backbone.embedding" : "backbone.embeddings",
          "backbone.norm_f",
          "lm_head",
          NormKind::kRms,
          make_layer};
}

// The first GPT-2 checkpoints lack the prefix "transformer." of later ones.
Family Gpt2Family(const WeightSource& source) {
  const std::string prefix = source.Has("wte.weight") ? "" : "transformer.";
  return {prefix + "h", prefix + "wte",   prefix + "ln_f",
          "lm_head",    NormKind::kLayer, MakeGpt2Layer};
}

}  // namespace

Family FindFamily(const Config& config, const WeightSource& source) {
  switch (config.architecture) {
    case Architecture::kMamba1: return MambaFamily(source, MakeMamba1Layer);
    case Architecture::kMamba2: return MambaFamily(source, MakeMamba2Layer);
    case Architecture::kNeox:
      return {"gpt_neox.layers", "gpt_neox.embed_in", "gpt_neox.final_layer_norm",
              "embed_out",       NormKind::kLayer,    MakeNeoxLayer};
    case Architecture::kGpt2: return Gpt2Family(source);
    case Architecture::kLlama:
      return {"model.layers", "model.embed_tokens", "model.norm",
              "lm_head",      NormKind::kRms,       MakeLlamaLayer};
    case Architecture::kGraniteHybrid:
      return {"model.layers", "model.embed_tokens", "model.norm",
              "lm_head",      NormKind::kRms,       MakeGraniteHybridLayer};
    case Architecture::kBamba:
      return {"model.layers", "model.embed_tokens", "model.final_layernorm",
              "lm_head",      NormKind::kRms,       MakeBambaLayer};
    case Architecture::kNemotronH:
      return {"backbone.layers", "backbone.embeddings", "backbone.norm_f",
              "lm_head",         NormKind::kRms,        MakeNemotronHLayer};
  }
  throw Error("unknown architecture");
}

}  // namespace mambascope
