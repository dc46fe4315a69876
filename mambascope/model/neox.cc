// GPT-NeoX (Black et al. 2022) and Pythia. Attention and MLP either read the same residual stream
// and are added together (parallel), or follow one another (serial).
//
//   parallel:  h' = h + Attn(LN1(h)) + MLP(LN2(h))
//   serial:    r = h + Attn(LN1(h)),  h' = r + MLP(LN2(r))
#include <ATen/ATen.h>

#include "mambascope/model/kernels/attention.h"
#include "mambascope/model/layer.h"
#include "mambascope/model/ops.h"

namespace mambascope {
namespace {

class NeoxLayer : public Layer {
 public:
  NeoxLayer(const Config& config, const Weights& w) : config_(config) {
    const int64_t d = config.d_model;
    const AttentionConfig& a = config.attention;
    attention_norm_ = LayerNorm::Load(w, "input_layernorm", d, config.norm_eps);
    mlp_norm_ = LayerNorm::Load(w, "post_attention_layernorm", d, config.norm_eps);
    qkv_ = Projection::Load(w, "attention.query_key_value", 3 * d, d, a.qkv_bias);
    dense_ = Projection::Load(w, "attention.dense", d, d, a.out_bias);
    w_up_ = Projection::Load(w, "mlp.dense_h_to_4h", config.mlp.width, d, config.mlp.bias);
    w_down_ = Projection::Load(w, "mlp.dense_4h_to_h", d, config.mlp.width, config.mlp.bias);
  }

  at::Tensor Forward(const at::Tensor& h, const Packing& packing, const Carry& from, Carry& kept,
                     const LayerHooks& hooks) const override {
    const at::Tensor x = hooks(Site::kMixerIn, attention_norm_(h));  // [row, d_model]
    const at::Tensor z =
        hooks(Site::kMixed, Attention(x, packing, from, kept, hooks));  // [row, d_model]
    const at::Tensor o = hooks(Site::kMixerOut, Linear(z, dense_));
    const at::Tensor mid = Activate(Linear(mlp_norm_(config_.parallel_residual ? h : h + o), w_up_),
                                    config_.mlp.activation);
    const at::Tensor m = hooks(Site::kMlpOut, Linear(hooks(Site::kMlpMid, mid), w_down_));
    return hooks(Site::kResid, h + o + m);
  }

  std::vector<Mixing> Mix(const at::Tensor& h) const override {
    return {AttentionMixing(Heads(attention_norm_(h), Packing::Whole({h.size(0)})), dense_)};
  }

  std::vector<SiteInfo> sites() const override { return TransformerSites(config_); }
  // If attention and MLP are parallel, the MLP does not read the attention's output.
  bool IsAddedToOutput(Site site) const override {
    return site == Site::kMlpOut || site == Site::kResid ||
           (site == Site::kMixerOut && config_.parallel_residual);
  }
  std::vector<Mixer> mixers() const override { return {AttentionMixer(config_, CutKind::kMixing)}; }
  LayerCost cost() const override { return TransformerCost(config_); }

  std::vector<EditableWeight> editable() const override {
    return {{"W_down", w_down_.weight, Site::kMlpMid, Site::kMlpOut, w_down_.tensor}};
  }

  std::unique_ptr<Layer> Edited(const std::string& /*name*/,
                                const at::Tensor& change) const override {
    auto copy = std::make_unique<NeoxLayer>(*this);
    copy->w_down_.weight = w_down_.weight + change;
    return copy;
  }

 private:
  at::Tensor Attention(const at::Tensor& x, const Packing& packing, const Carry& from, Carry& kept,
                       const LayerHooks& hooks) const {
    const AttentionInput in = Heads(x, packing);
    return Attend(in.q, in.k, in.v, packing, from, kept, hooks.Cuts());
  }
  // The rows of query_key_value hold, for each head in turn, its query, key and value.
  AttentionInput Heads(const at::Tensor& x, const Packing& packing) const {
    const AttentionConfig& a = config_.attention;
    const auto qkv = Linear(x, qkv_)
                         .reshape({-1, a.heads, 3 * a.head_dim})
                         .chunk(3, 2);  // [row, heads, head_dim] each
    const at::Tensor positions = packing.Positions().to(x.device());
    return {Rotate(qkv[0], positions, a.rope), Rotate(qkv[1], positions, a.rope), qkv[2]};
  }

  Config config_;
  LayerNorm attention_norm_, mlp_norm_;
  Projection qkv_, dense_;    // [3 d_model, d_model], [d_model, d_model]
  Projection w_up_, w_down_;  // [mlp width, d_model], [d_model, mlp width]
};

}  // namespace

std::unique_ptr<Layer> MakeNeoxLayer(const Config& config, const Weights& w) {
  return std::make_unique<NeoxLayer>(config, w);
}

}  // namespace mambascope
