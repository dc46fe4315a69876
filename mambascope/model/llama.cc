// Llama (Touvron et al. 2023), Mistral and Qwen2: RMS norms, rotary grouped-query attention and a
// gated MLP (SwiGLU).
//
//   m = h + Attn(RMSNorm1(h))        h' = m + W_down (act(W_gate y) * W_up y),  y = RMSNorm2(m)
#include <ATen/ATen.h>

#include "mambascope/model/kernels/attention.h"
#include "mambascope/model/layer.h"
#include "mambascope/model/ops.h"

namespace mambascope {
namespace {

class LlamaLayer : public Layer {
 public:
  LlamaLayer(const Config& config, const Weights& w) : config_(config) {
    const int64_t d = config.d_model, width = config.mlp.width;
    const AttentionConfig& a = config.attention;
    const Weights attention = w.Scope("self_attn"), mlp = w.Scope("mlp");
    attention_norm_ = w.Float("input_layernorm.weight", {d});
    mlp_norm_ = w.Float("post_attention_layernorm.weight", {d});
    w_q_ = Projection::Load(attention, "q_proj", a.heads * a.head_dim, d, a.qkv_bias);
    w_k_ = Projection::Load(attention, "k_proj", a.kv_heads * a.head_dim, d, a.qkv_bias);
    w_v_ = Projection::Load(attention, "v_proj", a.kv_heads * a.head_dim, d, a.qkv_bias);
    dense_ = Projection::Load(attention, "o_proj", d, a.heads * a.head_dim, a.out_bias);
    w_gate_ = Projection::Load(mlp, "gate_proj", width, d, config.mlp.bias);
    w_up_ = Projection::Load(mlp, "up_proj", width, d, config.mlp.bias);
    w_down_ = Projection::Load(mlp, "down_proj", d, width, config.mlp.bias);
  }

  at::Tensor Forward(const at::Tensor& h, const Packing& packing, const Carry& from, Carry& kept,
                     const LayerHooks& hooks) const override {
    const at::Tensor x =
        hooks(Site::kMixerIn, RmsNorm(h, attention_norm_, config_.norm_eps));  // [row, d_model]
    const at::Tensor z =
        hooks(Site::kMixed, Attention(x, packing, from, kept, hooks));  // [row, heads * head_dim]
    const at::Tensor m = h + hooks(Site::kMixerOut, Linear(z, dense_));
    const at::Tensor y = RmsNorm(m, mlp_norm_, config_.norm_eps);
    const at::Tensor mid = hooks(
        Site::kMlpMid, Activate(Linear(y, w_gate_), config_.mlp.activation) * Linear(y, w_up_));
    return hooks(Site::kResid, m + hooks(Site::kMlpOut, Linear(mid, w_down_)));
  }

  std::vector<Mixing> Mix(const at::Tensor& h) const override {
    return {AttentionMixing(
        Heads(RmsNorm(h, attention_norm_, config_.norm_eps), Packing::Whole({h.size(0)})), dense_)};
  }

  std::vector<SiteInfo> sites() const override { return TransformerSites(config_); }
  bool IsAddedToOutput(Site site) const override {
    return site == Site::kMlpOut || site == Site::kResid;
  }
  std::vector<Mixer> mixers() const override {
    return {AttentionMixer(config_, CutKind::kBidirectional)};
  }
  LayerCost cost() const override { return TransformerCost(config_); }

  std::vector<EditableWeight> editable() const override {
    return {{"W_down", w_down_.weight, Site::kMlpMid, Site::kMlpOut, w_down_.tensor}};
  }

  std::unique_ptr<Layer> Edited(const std::string& /*name*/,
                                const at::Tensor& change) const override {
    auto copy = std::make_unique<LlamaLayer>(*this);
    copy->w_down_.weight = w_down_.weight + change;
    return copy;
  }

 private:
  at::Tensor Attention(const at::Tensor& x, const Packing& packing, const Carry& from, Carry& kept,
                       const LayerHooks& hooks) const {
    const AttentionInput in = Heads(x, packing);
    return Attend(in.q, in.k, in.v, packing, from, kept, hooks.Cuts());
  }
  AttentionInput Heads(const at::Tensor& x, const Packing& packing) const {
    const AttentionConfig& a = config_.attention;
    const auto heads = [&](const Projection& p) {
      return Linear(x, p).reshape({x.size(0), -1, a.head_dim});
    };
    const at::Tensor positions = packing.Positions().to(x.device());
    return {Rotate(heads(w_q_), positions, a.rope), Rotate(heads(w_k_), positions, a.rope),
            heads(w_v_)};
  }

  Config config_;
  at::Tensor attention_norm_, mlp_norm_;  // [d_model]
  Projection w_q_, w_k_, w_v_, dense_;    // [heads * head_dim, d_model], [kv_heads * head_dim,
                                          // d_model] twice, [d_model, heads * head_dim]
  Projection w_gate_, w_up_, w_down_;     // [mlp width, d_model] twice, [d_model, mlp width]
};

}  // namespace

std::unique_ptr<Layer> MakeLlamaLayer(const Config& config, const Weights& w) {
  return std::make_unique<LlamaLayer>(config, w);
}

}  // namespace mambascope
