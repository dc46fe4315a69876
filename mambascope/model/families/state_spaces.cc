// The folders of the state-spaces repositories (Gu & Dao 2023, Dao & Gu 2024): Mamba-1, Mamba-2,
// Mamba-2 with a few layers of attention (mamba2attn), and a transformer (transformerpp). Their
// config.json has no model_type. The defaults are those of the authors' code.
//
//   m = h + Mixer(RMSNorm1(h))
//   h' = m + W_2 (SiLU(W_gate y) * W_1 y),  y = RMSNorm2(m)      if d_intermediate > 0, else h' = m
#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>

#include "mambascope/model/attention.h"
#include "mambascope/model/block.h"
#include "mambascope/model/families/config_fields.h"
#include "mambascope/model/families/families.h"
#include "mambascope/model/mamba.h"
#include "mambascope/model/mlp.h"
#include "mambascope/model/norms.h"

namespace mambascope {
namespace {

void ReadMamba2Of(const Fields& ssm, SsmConfig& s) {
  ssm.Demand("D_has_hdim", false);
  DemandSilu(ssm, "activation");
  if (ssm.Has("d_ssm") && ssm.Size("d_ssm") != s.d_inner) ssm.Refuse("d_ssm");
  s.groups = s.norm_groups = ssm.Size("ngroups", 1);
  if (!ssm.Get<bool>("rmsnorm", true)) s.gated_norm = SsmConfig::GatedNorm::kNone;
  else if (ssm.Get<bool>("norm_before_gate", false))
    s.gated_norm = SsmConfig::GatedNorm::kBeforeGate;
  s.head_dim = ssm.Size("headdim", 64);
  if (s.d_inner % s.head_dim != 0)
    ssm.Fail(fmt::format("inner width {} is not divisible into heads of {} channels", s.d_inner,
                         s.head_dim));
  s.heads = s.d_inner / s.head_dim;
  ReadTimeStepLimit(ssm, "dt_limit", s);
  CheckSsmHeads(ssm, s);
}

// The fields of ssm_cfg.
void ReadScan(const Fields& ssm, Config& c) {
  const auto layer = ssm.Get<std::string>("layer", "Mamba1");
  if (layer != "Mamba1" && layer != "Mamba2") ssm.Refuse("layer");
  const bool is_mamba2 = layer == "Mamba2";
  c.model_type = is_mamba2 ? "mamba2" : "mamba";
  SsmConfig& s = c.ssm;
  s.d_inner = ssm.Size("expand", 2) * c.d_model;
  s.d_state = ssm.Size("d_state", is_mamba2 ? 128 : 16);
  s.d_conv = ssm.Size("d_conv", 4);
  s.in_bias = s.out_bias = ssm.Get<bool>("bias", false);
  s.conv_bias = ssm.Get<bool>("conv_bias", true);
  if (is_mamba2) return ReadMamba2Of(ssm, s);
  s.dt_rank = ReadDtRank(ssm, "dt_rank", c.d_model);
}

// The fields of attn_cfg.
void ReadAttention(const Fields& f, Config& c) {
  if (!f.Get<bool>("causal", false)) f.Fail("field 'causal' is not true");
  f.Demand("mlp_dim", int64_t{0});
  AttentionConfig& a = c.attention;
  a.heads = f.Size("num_heads");
  a.kv_heads = f.Size("num_heads_kv", a.heads);
  if (a.heads % a.kv_heads != 0) f.Refuse("num_heads_kv");
  a.head_dim = f.Has("head_dim") ? f.Size("head_dim") : HeadDim(f, c.d_model, a.heads);
  a.qkv_bias = f.Get<bool>("qkv_proj_bias", true);
  a.out_bias = f.Get<bool>("out_proj_bias", true);
  a.scale = f.Positive("softmax_scale", 0);
  a.d_conv = f.Get<int64_t>("d_conv", 0);
  if (a.d_conv < 0 || a.d_conv > 1024) f.Refuse("d_conv");
  a.rope.dims = f.Get<int64_t>("rotary_emb_dim", 0);
  if (a.rope.dims < 0 || a.rope.dims > a.head_dim || a.rope.dims % 2 != 0)
    f.Refuse("rotary_emb_dim");
  a.rope.theta = f.Positive("rotary_emb_base", 10000);
  a.rope.interleaved = f.Get<bool>("rotary_emb_interleaved", false);
}

void ReadStateSpaces(const Fields& f, Config& c) {
  static const Json kNone = Json::object();
  c.d_model = f.Size("d_model");
  c.layers = f.Size("n_layer");
  const int64_t multiple = f.Size("pad_vocab_size_multiple", 8);
  c.vocab = (f.Size("vocab_size") + multiple - 1) / multiple * multiple;
  c.tied_embeddings = f.Get<bool>("tie_embeddings", true);
  f.Demand("rms_norm", true);
  const auto width = f.Get<int64_t>("d_intermediate", 0);
  if (width < 0 || width > 1 << 30) f.Refuse("d_intermediate");
  c.mlp.width = (width + 127) / 128 * 128;  // the authors' code rounds it up
  ReadScan(f.Has("ssm_cfg") ? f.Sub("ssm_cfg") : Fields(kNone, "ssm_cfg"), c);
  c.layer_kinds = KindsByAttention(ReadLayerIndices(f, "attn_layer_idx", c.layers));
  const auto attention =
      std::count(c.layer_kinds.begin(), c.layer_kinds.end(), LayerKind::kAttention);
  if (attention == 0) return;
  if (!f.Has("attn_cfg")) f.Fail("has layers in 'attn_layer_idx', but lacks the field 'attn_cfg'");
  ReadAttention(f.Sub("attn_cfg"), c);
  c.model_type = attention == c.layers ? "transformerpp" : c.model_type + "attn";
}

// The rows of in_proj are all queries, then all keys, then all values.
std::unique_ptr<Part> LoadAttentionOf(const Config& config, const Weights& w) {
  const AttentionConfig& a = config.attention;
  const int64_t d = config.d_model, queries = a.heads * a.head_dim, keys = a.kv_heads * a.head_dim,
                all = queries + 2 * keys;
  const Projection in = Projection::Load(w, "in_proj", all, d, a.qkv_bias);
  HeadsConv conv;
  if (a.d_conv > 0)
    conv = {w.Float("conv1d.weight", {all, 1, a.d_conv}).squeeze(1).t().contiguous(),
            w.Float("conv1d.bias", {all})};
  return MakeAttention({a},
                       SeparateHeads(a.head_dim, in.Rows(0, queries), in.Rows(queries, keys),
                                     in.Rows(queries + keys, keys)),
                       Projection::Load(w, "out_proj", d, queries, a.out_bias), std::move(conv));
}

// fc1 [2 width, d_model] holds W_1 above W_gate.
std::unique_ptr<Part> LoadMlpOf(const Config& config, const Weights& w) {
  const int64_t d = config.d_model, width = config.mlp.width;
  const Projection in = Projection::Load(w, "fc1", 2 * width, d, false);
  return MakeMlp(GatedHidden(Activation::kSilu, in.Rows(width, width), in.Rows(0, width)),
                 Projection::Load(w, "fc2", d, width, false));
}

std::unique_ptr<Layer> MakeStateSpacesLayer(const Config& config, const Weights& w, int64_t layer) {
  const auto make_mamba = config.ssm.heads > 0 ? MakeMamba2 : MakeMamba1;
  const bool is_mamba = KindOf(config, layer) == LayerKind::kMamba;
  const Weights own = w.Scope("mixer");
  std::vector<Sublayer> sublayers = {
      {.kind = Sublayer::Kind::kMixer,
       .norm = LoadRmsNorm(w, "norm", config),
       .parts = {is_mamba ? make_mamba(config.ssm, config.d_model, own)
                          : LoadAttentionOf(config, own)}}};
  if (config.mlp.width > 0)
    sublayers.push_back({.kind = Sublayer::Kind::kMlp,
                         .norm = LoadRmsNorm(w, "norm2", config),
                         .parts = {LoadMlpOf(config, w.Scope("mlp"))}});
  return MakeBlock(config.d_model, std::move(sublayers));
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
