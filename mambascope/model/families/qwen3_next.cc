// Qwen3-Next and Qwen3.5 (Qwen Team 2025, 2026): each layer has a gated DeltaNet or gated
// attention, then a gated MLP or a mixture of experts with a shared expert. Stored norm weights
// lack 1.
//
//   m = h + Mixer(RMSNorm1(h))        h' = m + F(RMSNorm2(m))
//   F(y) = MLP(y), or Experts(y) + sigmoid(w_s y) SharedExpert(y)
#include <ATen/ATen.h>

#include <algorithm>

#include "mambascope/model/attention.h"
#include "mambascope/model/block.h"
#include "mambascope/model/delta_net.h"
#include "mambascope/model/experts.h"
#include "mambascope/model/families/config_fields.h"
#include "mambascope/model/families/families.h"
#include "mambascope/model/kernels/elementwise.h"
#include "mambascope/model/mlp.h"
#include "mambascope/model/norms.h"

namespace mambascope {
namespace {

// Every decoder_sparse_step-th layer has experts, but for mlp_only_layers.
void ReadQwenExperts(const Fields& f, Config& c) {
  if (c.model_type == "qwen3_5_text" || (f.Has("num_experts") && f.Raw("num_experts") == 0)) return;
  const bool is_next = c.model_type == "qwen3_next";
  const int64_t count = f.Size("num_experts", is_next ? 512 : 256);
  c.experts = {.count = count,
               .per_token = ReadExpertsPerToken(f, count, is_next ? 10 : 8),
               .width = f.Size("moe_intermediate_size", 512),
               .shares_add_to_one = !is_next || f.Get<bool>("norm_topk_prob", true),
               .shared_expert = {.width = f.Size("shared_expert_intermediate_size", 512)}};
  const int64_t step = f.Size("decoder_sparse_step", 1);
  const std::vector<bool> mlp_only = ReadLayerIndices(f, "mlp_only_layers", c.layers);
  for (int64_t l = 0; l < c.layers; ++l)
    c.experts.layers.push_back((l + 1) % step == 0 && !mlp_only[static_cast<size_t>(l)]);
}

void ReadQwen3Next(const Fields& f, Config& c) {
  ReadSizes(f, c, "rms_norm_eps", 1e-6, /*tied=*/false);
  c.norm_offset = 1;
  c.layer_kinds = f.Has("layer_types") ? ReadLayerKinds(f, "layer_types", c.layers,
                                                        {LayerKind::kMamba, LayerKind::kAttention})
                                       : EveryNth(c.layers, f.Size("full_attention_interval", 4),
                                                  LayerKind::kAttention, LayerKind::kMamba);
  c.delta = {.key_heads = f.Size("linear_num_key_heads", 16),
             .heads = f.Size("linear_num_value_heads", 32),
             .d_key = f.Size("linear_key_head_dim", 128),
             .d_value = f.Size("linear_value_head_dim", 128),
             .d_conv = f.Size("linear_conv_kernel_dim", 4),
             .norm_eps = c.norm_eps};
  if (c.delta.heads % c.delta.key_heads != 0) f.Refuse("linear_num_value_heads");
  AttentionConfig& a = c.attention;
  a = ReadHeads(f, c,
                {.heads = 16, .kv_heads = c.model_type == "qwen3_5_text" ? 4 : 2, .head_dim = 256});
  a.qk_norm = AttentionConfig::QkNorm::kHead;
  a.has_gate = true;
  a.rope = ReadRope(f, a.head_dim, 0.25);
  DemandSilu(f);
  ReadQwenExperts(f, c);
  const std::vector<bool>& layers = c.experts.layers;
  if (layers.empty() || std::find(layers.begin(), layers.end(), false) != layers.end())
    c.mlp = {.width = f.Size("intermediate_size")};
}

// The rows of in_proj_qkvz hold, for each key head in turn, its query, its key, and the values and
// gates of its heads. Those of in_proj_ba hold the b and the a of its heads.
ProjectDelta ByKeyHead(const DeltaConfig& c, const Projection& qkvz, const Projection& ba) {
  const int64_t shared = c.heads / c.key_heads, values = shared * c.d_value;
  return [=](const at::Tensor& x) -> DeltaProjected {
    const auto parts = Linear(x, qkvz)
                           .unflatten(1, {c.key_heads, 2 * c.d_key + 2 * values})
                           .split_with_sizes({c.d_key, c.d_key, values, values}, 2);
    const auto scalars = Linear(x, ba).unflatten(1, {c.key_heads, 2 * shared}).chunk(2, 2);
    return {parts[0].flatten(1), parts[1].flatten(1),   parts[2].flatten(1),
            parts[3].flatten(1), scalars[0].flatten(1), scalars[1].flatten(1)};
  };
}

// The rows of in_proj_qkv are all queries, then all keys, then all values.
ProjectDelta ByKind(const DeltaConfig& c, const Projection& qkv, const Projection& z,
                    const Projection& b, const Projection& a) {
  const int64_t keys = c.key_heads * c.d_key, values = c.heads * c.d_value;
  return [=](const at::Tensor& x) -> DeltaProjected {
    const auto parts = Linear(x, qkv).split_with_sizes({keys, keys, values}, 1);
    return {parts[0], parts[1], parts[2], Linear(x, z), Linear(x, b), Linear(x, a)};
  };
}

std::unique_ptr<Part> LoadDeltaNet(const Config& config, const Weights& w) {
  const DeltaConfig& c = config.delta;
  const int64_t keys = c.key_heads * c.d_key, values = c.heads * c.d_value;
  const auto load = [&](const char* name, int64_t rows) {
    return Projection::Load(w, name, rows, config.d_model, false);
  };
  ProjectDelta projections =
      config.model_type == "qwen3_next"
          ? ByKeyHead(c, load("in_proj_qkvz", 2 * keys + 2 * values),
                      load("in_proj_ba", 2 * c.heads))
          : ByKind(c, load("in_proj_qkv", 2 * keys + values), load("in_proj_z", values),
                   load("in_proj_b", c.heads), load("in_proj_a", c.heads));
  return MakeDeltaNet(c, config.d_model, std::move(projections), w);
}

// The sigmoid is a part of `mlp_mid`, so W_down maps it to the shared expert's output.
std::unique_ptr<Part> LoadSharedExpert(const Config& config, const Weights& w) {
  const int64_t d = config.d_model, width = config.experts.shared_expert.width;
  const Weights own = w.Scope("shared_expert");
  const HiddenLayer hidden =
      GatedHidden(Activation::kSilu, Projection::Load(own, "gate_proj", width, d, false),
                  Projection::Load(own, "up_proj", width, d, false));
  const Projection share = Projection::Load(w, "shared_expert_gate", 1, d, false);
  return MakeMlp([=](const at::Tensor& y) { return Sigmoid(Linear(y, share)) * hidden(y); },
                 Projection::Load(own, "down_proj", d, width, false));
}

std::vector<Branch> LoadMlpOrExperts(const Config& config, const Weights& w, int64_t layer) {
  const ExpertsConfig& e = config.experts;
  const int64_t d = config.d_model;
  if (!HasExperts(config, layer)) return {LoadGatedMlp(config.mlp, d, w)};
  const at::Tensor router = w.Matrix("gate.weight", {e.count, d});
  return {MakeExperts(e, ExpertWeights::Load(e, d, router, w.Scope("experts"))),
          LoadSharedExpert(config, w)};
}

std::unique_ptr<Layer> MakeQwen3NextLayer(const Config& config, const Weights& w, int64_t layer) {
  const bool is_delta = KindOf(config, layer) == LayerKind::kMamba;
  return MakeBlock(
      config.d_model,
      {{.kind = Sublayer::Kind::kMixer,
        .norm = LoadRmsNorm(w, "input_layernorm", config),
        .parts = {is_delta ? LoadDeltaNet(config, w.Scope("linear_attn"))
                           : LoadAttention({config.attention}, config, w.Scope("self_attn"))}},
       {.kind = Sublayer::Kind::kMlp,
        .norm = LoadRmsNorm(w, "post_attention_layernorm", config),
        .parts = LoadMlpOrExperts(config, w.Scope("mlp"), layer)}});
}

}  // namespace

const Family& Qwen3NextFamily() {
  static const Family family{.model_types = {"qwen3_next", "qwen3_5_text", "qwen3_5_moe_text"},
                             .read = ReadQwen3Next,
                             .make_layer = MakeQwen3NextLayer};
  return family;
}

}  // namespace mambascope
