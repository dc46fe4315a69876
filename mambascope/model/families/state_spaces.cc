// The folders of the state-spaces repositories (Gu & Dao 2023, Dao & Gu 2024). Their config.json
// has no model_type; it has d_model, n_layer and ssm_cfg.
//
//   h' = h + Mixer(RMSNorm(h))
#include "mambascope/model/block.h"
#include "mambascope/model/families/config_fields.h"
#include "mambascope/model/families/families.h"
#include "mambascope/model/mamba.h"
#include "mambascope/model/norms.h"

namespace mambascope {
namespace {

// Reads the config of the original state-spaces repositories. All fields of the mixer are in
// ssm_cfg; the defaults are those of their code.
void ReadStateSpaces(const Fields& f, Config& c) {
  static const Json kNone = Json::object();
  const Fields ssm = f.Has("ssm_cfg") ? f.Sub("ssm_cfg") : Fields(kNone, "ssm_cfg");
  const auto layer = ssm.Get<std::string>("layer", "Mamba1");
  if (layer != "Mamba1" && layer != "Mamba2") ssm.Refuse("layer");
  const bool mamba2 = layer == "Mamba2";
  c.model_type = mamba2 ? "mamba2" : "mamba";
  c.d_model = f.Size("d_model");
  c.layers = f.Size("n_layer");
  const int64_t multiple = f.Size("pad_vocab_size_multiple", 8);
  c.vocab = (f.Size("vocab_size") + multiple - 1) / multiple * multiple;
  c.tied_embeddings = f.Get<bool>("tie_embeddings", true);
  f.Demand("rms_norm", true);
  f.Demand("d_intermediate", int64_t{0});
  if (f.Has("attn_layer_idx") && !f.Raw("attn_layer_idx").empty()) f.Refuse("attn_layer_idx");
  c.ssm.d_inner = ssm.Size("expand", 2) * c.d_model;
  c.ssm.d_state = ssm.Size("d_state", mamba2 ? 128 : 16);
  c.ssm.d_conv = ssm.Size("d_conv", 4);
  c.ssm.projection_bias = ssm.Get<bool>("bias", false);
  c.ssm.conv_bias = ssm.Get<bool>("conv_bias", true);
  if (!mamba2) {
    const bool automatic = !ssm.Has("dt_rank") || ssm.Raw("dt_rank") == "auto";
    c.ssm.dt_rank = automatic ? (c.d_model + 15) / 16 : ssm.Size("dt_rank");
    return;
  }
  for (const char* key : {"D_has_hdim", "norm_before_gate"}) ssm.Demand(key, false);
  c.ssm.groups = c.ssm.norm_groups = ssm.Size("ngroups", 1);
  ssm.Demand("rmsnorm", true);
  ssm.Demand("activation", std::string("swish"));
  if (ssm.Has("d_ssm") && ssm.Size("d_ssm") != c.ssm.d_inner) ssm.Refuse("d_ssm");
  c.ssm.head_dim = ssm.Size("headdim", 64);
  if (c.ssm.d_inner % c.ssm.head_dim != 0)
    ssm.Fail(fmt::format("inner width {} is not divisible into heads of {} channels", c.ssm.d_inner,
                         c.ssm.head_dim));
  c.ssm.heads = c.ssm.d_inner / c.ssm.head_dim;
  ReadTimeStepLimit(ssm, "dt_limit", c.ssm);
  CheckSsmHeads(ssm, c.ssm);
}

std::unique_ptr<Layer> MakeStateSpacesLayer(const Config& config, const Weights& w,
                                            int64_t /*layer*/) {
  const auto make = config.ssm.heads > 0 ? MakeMamba2 : MakeMamba1;
  return MakeBlock(config.d_model,
                   {{.kind = Sublayer::Kind::kMixer,
                     .norm = LoadRmsNorm(w, "norm", config),
                     .parts = {make(config.ssm, config.d_model, w.Scope("mixer"))}}});
}

}  // namespace

const Family& StateSpacesFamily() {
  static const Family family{
      .model_types = {},
      .read = ReadStateSpaces,
      .names = {.prefix = "backbone.", .embedding = "embedding", .norm = "norm_f"},
      .make_layer = MakeStateSpacesLayer};
  return family;
}

}  // namespace mambascope
