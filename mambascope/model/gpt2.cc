// GPT-2 (Radford et al. 2019): m = h + Attn(LN1(h)),  h' = m + MLP(LN2(m)). Positions are learned
// and added to the embedding (model.cc). Its checkpoints store every weight transposed, [in, out].
#include <ATen/ATen.h>

#include "mambascope/model/kernels/attention.h"
#include "mambascope/model/layer.h"
#include "mambascope/model/ops.h"

namespace mambascope {
namespace {

Projection LoadTransposed(const Weights& w, const std::string& name, int64_t out, int64_t in) {
  return {w.Matrix(name + ".weight", {in, out}).t(), w.Float(name + ".bias", {out}),
          w.FullName(name + ".weight")};
}

class Gpt2Layer : public Layer {
 public:
  Gpt2Layer(const Config& config, const Weights& w) : config_(config) {
    const int64_t d = config.d_model;
    attention_norm_ = LayerNorm::Load(w, "ln_1", d, config.norm_eps);
    mlp_norm_ = LayerNorm::Load(w, "ln_2", d, config.norm_eps);
    qkv_ = LoadTransposed(w, "attn.c_attn", 3 * d, d);
    dense_ = LoadTransposed(w, "attn.c_proj", d, d);
    w_up_ = LoadTransposed(w, "mlp.c_fc", config.mlp.width, d);
    w_down_ = LoadTransposed(w, "mlp.c_proj", d, config.mlp.width);
  }

  at::Tensor Forward(const at::Tensor& h, const Packing& packing, const Carry& from, Carry& kept,
                     const LayerHooks& hooks) const override {
    const at::Tensor x = hooks(Site::kMixerIn, attention_norm_(h));  // [row, d_model]
    const at::Tensor z =
        hooks(Site::kMixed, Attention(x, packing, from, kept, hooks));  // [row, d_model]
    const at::Tensor m = h + hooks(Site::kMixerOut, Linear(z, dense_));
    const at::Tensor mid =
        hooks(Site::kMlpMid, Activate(Linear(mlp_norm_(m), w_up_), config_.mlp.activation));
    return hooks(Site::kResid, m + hooks(Site::kMlpOut, Linear(mid, w_down_)));
  }

  std::vector<Mixing> Mix(const at::Tensor& h) const override {
    return {AttentionMixing(Heads(attention_norm_(h)), dense_)};
  }

  std::vector<SiteInfo> sites() const override { return TransformerSites(config_); }
  bool IsAddedToOutput(Site site) const override {
    return site == Site::kMlpOut || site == Site::kResid;
  }
  std::vector<Mixer> mixers() const override {
    return {AttentionMixer(config_, CutKind::kEmptyRowsUniform)};
  }
  LayerCost cost() const override { return TransformerCost(config_); }

  std::vector<EditableWeight> editable() const override {
    return {{"W_down", w_down_.weight, Site::kMlpMid, Site::kMlpOut, w_down_.tensor, 0,
             /*transposed=*/true}};
  }

  std::unique_ptr<Layer> Edited(const std::string& /*name*/,
                                const at::Tensor& change) const override {
    auto copy = std::make_unique<Gpt2Layer>(*this);
    copy->w_down_.weight = w_down_.weight + change;
    return copy;
  }

 private:
  at::Tensor Attention(const at::Tensor& x, const Packing& packing, const Carry& from, Carry& kept,
                       const LayerHooks& hooks) const {
    const AttentionInput in = Heads(x);
    return Attend(in.q, in.k, in.v, packing, from, kept, hooks.Cuts());
  }
  // The rows of c_attn are all queries, then all keys, then all values.
  AttentionInput Heads(const at::Tensor& x) const {
    const AttentionConfig& a = config_.attention;
    const auto qkv = Linear(x, qkv_)
                         .reshape({-1, 3 * a.heads, a.head_dim})
                         .chunk(3, 1);  // [row, heads, head_dim] each
    return {qkv[0], qkv[1], qkv[2]};
  }

  Config config_;
  LayerNorm attention_norm_, mlp_norm_;
  Projection qkv_, dense_;    // [3 d_model, d_model], [d_model, d_model]
  Projection w_up_, w_down_;  // [mlp width, d_model], [d_model, mlp width]
};

}  // namespace

std::unique_ptr<Layer> MakeGpt2Layer(const Config& config, const Weights& w) {
  return std::make_unique<Gpt2Layer>(config, w);
}

}  // namespace mambascope
