// Mamba-1 (Gu & Dao 2023), Falcon-Mamba and Mamba-2 (Dao & Gu 2024): h' = h + Mixer(RMSNorm(h)).
#include "mambascope/model/mamba.h"

#include "mambascope/model/block.h"
#include "mambascope/model/families/config_fields.h"
#include "mambascope/model/families/families.h"
#include "mambascope/model/norms.h"

namespace mambascope {
namespace {

void ReadMamba1(const Fields& f, Config& c) {
  ReadSizes(f, c, "layer_norm_epsilon", 1e-5, /*tied=*/true);
  c.ssm.d_inner = f.Size("intermediate_size", f.Size("expand", 2) * c.d_model);
  c.ssm.d_state = f.Size("state_size", 16);
  c.ssm.d_conv = f.Size("conv_kernel", 4);
  c.ssm.dt_rank = ReadDtRank(f, "time_step_rank", c.d_model);
  c.ssm.in_bias = c.ssm.out_bias = f.Get<bool>("use_bias", false);
  c.ssm.conv_bias = f.Get<bool>("use_conv_bias", true);
  if (c.model_type == "falcon_mamba") c.ssm.bcdt_norm_eps = f.Positive("mixer_rms_eps", 1e-6);
  DemandSilu(f);
}

void ReadMamba2(const Fields& f, Config& c) {
  ReadSizes(f, c, "layer_norm_epsilon", 1e-5, /*tied=*/false);
  c.ssm.d_inner = f.Size("expand", 2) * c.d_model;
  c.ssm.d_state = f.Size("state_size", 128);
  c.ssm.d_conv = f.Size("conv_kernel", 4);
  c.ssm.heads = f.Size("num_heads", 128);
  c.ssm.head_dim = f.Size("head_dim", 64);
  c.ssm.groups = c.ssm.norm_groups = f.Size("n_groups", 8);
  c.ssm.norm_eps = c.norm_eps;
  c.ssm.in_bias = c.ssm.out_bias = f.Get<bool>("use_bias", false);
  c.ssm.conv_bias = f.Get<bool>("use_conv_bias", true);
  ReadTimeStepLimit(f, "time_step_limit", c.ssm);
  CheckSsmHeads(f, c.ssm);
  DemandSilu(f);
}

std::unique_ptr<Layer> MakeMambaBlock(const Config& config, const Weights& w,
                                      std::unique_ptr<Part> mixer) {
  return MakeBlock(config.d_model, {{.kind = Sublayer::Kind::kMixer,
                                     .norm = LoadRmsNorm(w, "norm", config),
                                     .parts = {std::move(mixer)}}});
}

std::unique_ptr<Layer> MakeMamba1Layer(const Config& config, const Weights& w, int64_t /*layer*/) {
  return MakeMambaBlock(config, w, MakeMamba1(config.ssm, config.d_model, w.Scope("mixer")));
}

std::unique_ptr<Layer> MakeMamba2Layer(const Config& config, const Weights& w, int64_t /*layer*/) {
  return MakeMambaBlock(config, w, MakeMamba2(config.ssm, config.d_model, w.Scope("mixer")));
}

ModelNames Names() { return {.prefix = "backbone.", .embedding = "embeddings", .norm = "norm_f"}; }

}  // namespace

const Family& Mamba1Family() {
  static const Family family{.model_types = {"mamba", "falcon_mamba"},
                             .read = ReadMamba1,
                             .names = Names(),
                             .make_layer = MakeMamba1Layer};
  return family;
}

const Family& Mamba2Family() {
  static const Family family{.model_types = {"mamba2"},
                             .read = ReadMamba2,
                             .names = Names(),
                             .make_layer = MakeMamba2Layer};
  return family;
}

}  // namespace mambascope
