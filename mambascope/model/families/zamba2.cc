// Zamba2 (Zyphra 2024): layers of Mamba-2. In some of them, a block of attention and an MLP reads
// the residual stream beside the embedding e, and changes what the Mamba mixer reads. Several
// layers share the weights of such a block.
//
//   a = W_o Attn(RMSNorm1([h; e]))
//   u = W_s W_down (gelu(W_gate y) * W_up y),  y = RMSNorm2(a)
//   h' = h + Mamba2(RMSNorm3(h + u))                            u = 0 in layers without a block
//
// W_q, W_k, W_v, W_gate and W_up each are the sum of a shared matrix and of a product of two small
// matrices, which are the layer's own (adapters).
#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "mambascope/model/attention.h"
#include "mambascope/model/block.h"
#include "mambascope/model/families/config_fields.h"
#include "mambascope/model/families/families.h"
#include "mambascope/model/mamba.h"
#include "mambascope/model/mlp.h"
#include "mambascope/model/norms.h"

namespace mambascope {
namespace {

void ReadZamba2(const Fields& f, Config& c) {
  ReadSizes(f, c, "rms_norm_eps", 1e-5, /*tied=*/true);
  c.layer_kinds =
      ReadLayerKinds(f, "layers_block_type", c.layers, {LayerKind::kMamba, LayerKind::kShared});
  f.Demand("use_long_context", false);
  SsmConfig& s = c.ssm;
  s.d_inner = f.Size("mamba_expand", 2) * c.d_model;
  s.d_state = f.Size("mamba_d_state", 64);
  s.d_conv = f.Size("mamba_d_conv", 4);
  s.heads = f.Size("n_mamba_heads", 8);
  s.head_dim = HeadDim(f, s.d_inner, s.heads);
  s.groups = s.norm_groups = f.Size("mamba_ngroups", 1);
  s.in_bias = s.out_bias = c.mlp.bias = f.Get<bool>("add_bias_linear", false);
  s.dt_min = f.Get<double>("time_step_min", 0.001);
  s.dt_max = std::numeric_limits<double>::infinity();
  CheckSsmHeads(f, s);
  // Attention reads the residual stream and the embedding, so its heads are twice as wide.
  AttentionConfig& a = c.attention;
  a.heads = f.Size("num_attention_heads", 32);
  a.kv_heads = f.Size("num_key_value_heads", a.heads);
  a.head_dim = HeadDim(f, 2 * c.d_model, a.heads);
  if (a.heads % a.kv_heads != 0) f.Refuse("num_key_value_heads");
  a.scale = 1 / std::sqrt(static_cast<double>(a.head_dim) / 2);
  if (f.Get<bool>("use_mem_rope", false)) a.rope = ReadRope(f, a.head_dim, 1.0);
  c.mlp.width = f.Size("intermediate_size", 4 * c.d_model);
  c.mlp.activation = ReadActivation(f, "hidden_act", "gelu");
  c.shared = {.count = f.Size("num_mem_blocks", 1),
              .adapter_rank = f.Size("adapter_rank", 128),
              .attention_adapters = f.Get<bool>("use_shared_attention_adapter", false)};
  if (c.shared.attention_adapters && a.kv_heads != a.heads) f.Refuse("num_key_value_heads");
}

// x -> W x + B A x. The second term is the layer's own; A and B are undefined where it has none.
struct Adapted {
  Projection shared, a, b;

  at::Tensor operator()(const at::Tensor& x) const {
    const at::Tensor y = Linear(x, shared);
    return a.weight.defined() ? y + Linear(Linear(x, a), b) : y;
  }
};

// The layers that have a block, in ascending order.
std::vector<int64_t> SharedLayers(const Config& config) {
  std::vector<int64_t> layers;
  for (int64_t l = 0; l < config.layers; ++l) {
    if (KindOf(config, l) == LayerKind::kShared) layers.push_back(l);
  }
  return layers;
}

// Loads the block that a layer uses. `turn` is the layer's place among the layers with a block. The
// checkpoint stores a block's weights with the first layer that uses it. It may also store copies
// with the others.
class SharedBlock {
 public:
  SharedBlock(const Config& config, const Weights& w, int64_t turn)
      : config_(config),
        w_(w.Beside(std::to_string(
                        SharedLayers(config)[static_cast<size_t>(turn % config.shared.count)]))
               .Scope("shared_transformer")),
        turn_(turn) {
    if (turn >= config.shared.count) w.Scope("shared_transformer").DemandCopiesOf(w_);
  }

  Norm LoadNorm(const char* name, int64_t width) const {
    return LoadRmsNorm(w_, name, config_, width);
  }

  std::unique_ptr<Part> LoadAttention() const {
    const AttentionConfig& a = config_.attention;
    const int64_t in = 2 * config_.d_model, queries = a.heads * a.head_dim,
                  keys = a.kv_heads * a.head_dim;
    const Weights w = w_.Scope("self_attn");
    const bool adapts = config_.shared.attention_adapters;
    const auto load = [&](const std::string& name, int64_t out) {
      return Load(w, name + "_proj", adapts ? "linear_" + name + "_adapter_list" : "", out, in,
                  false);
    };
    const Adapted q = load("q", queries), k = load("k", keys), v = load("v", keys);
    return MakeAttention(
        {.config = a, .mixed = Site::kAttnMixed, .w_o = "attn_W_o"},
        [=, head_dim = a.head_dim](const at::Tensor& x) -> AttentionInput {
          const auto heads = [&](const at::Tensor& y) {
            return y.reshape({y.size(0), -1, head_dim});
          };
          return {heads(q(x)), heads(k(x)), heads(v(x))};
        },
        Projection::Load(w, "o_proj", config_.d_model, queries, false));
  }

  // gate_up_proj [2 width, d_model] holds W_gate above W_up.
  std::unique_ptr<Part> LoadMlp() const {
    const MlpConfig& m = config_.mlp;
    const Weights w = w_.Scope("feed_forward");
    const Adapted gate_up =
        Load(w, "gate_up_proj", "gate_up_proj_adapter_list", 2 * m.width, config_.d_model, m.bias);
    return MakeMlp(
        [gate_up, activation = m.activation](const at::Tensor& y) {
          const auto parts = gate_up(y).chunk(2, 1);
          return Activate(parts[0], activation) * parts[1];
        },
        Projection::Load(w, "down_proj", config_.d_model, m.width, m.bias));
  }

 private:
  // `adapters` names the list of all layers' adapters; empty: there are none.
  Adapted Load(const Weights& w, const std::string& name, const std::string& adapters, int64_t out,
               int64_t in, bool bias) const {
    const Projection shared = Projection::Load(w, name, out, in, bias);
    if (adapters.empty()) return {shared, {}, {}};
    const Weights own = w.Scope(fmt::format("{}.{}", adapters, turn_));
    const int64_t rank = config_.shared.adapter_rank;
    return {shared, Projection::Load(own, "0", rank, in, false),
            Projection::Load(own, "1", out, rank, false)};
  }

  const Config& config_;
  Weights w_;
  int64_t turn_;
};

class Zamba2SharedLayer : public Layer {
 public:
  Zamba2SharedLayer(const Config& config, const Weights& w, int64_t turn)
      : scope_(w.FullName("")), d_model_(config.d_model) {
    const SharedBlock block(config, w, turn);
    attention_norm_ = block.LoadNorm("input_layernorm", 2 * d_model_);
    attention_ = block.LoadAttention();
    mlp_norm_ = block.LoadNorm("pre_ff_layernorm", d_model_);
    mlp_ = block.LoadMlp();
    w_s_ = Projection::Load(w, "linear", d_model_, d_model_, false);
    const Weights decoder = w.Scope("mamba_decoder");
    mamba_norm_ = LoadRmsNorm(decoder, "input_layernorm", config);
    mamba_ = MakeMamba2(config.ssm, d_model_, decoder.Scope("mamba"));
  }

  at::Tensor Forward(const at::Tensor& h, const Packing& packing, const Carry& from, Carry& kept,
                     const LayerHooks& hooks) const override {
    const at::Tensor a =
        hooks(Site::kAttnOut,
              attention_->Forward(AttentionIn({h, packing.embedding}), packing, from, kept, hooks));
    const at::Tensor down =
        hooks(Site::kMlpDown, mlp_->Forward(mlp_norm_(a, at::kFloat), packing, from, kept, hooks));
    const at::Tensor u = hooks(Site::kSharedOut, Linear(down, w_s_));  // [row, d_model]
    const at::Tensor x = hooks(Site::kMixerIn, mamba_norm_(h + u, at::kFloat));
    return hooks(Site::kResid,
                 h + hooks(Site::kMixerOut, mamba_->Forward(x, packing, from, kept, hooks)));
  }

  std::vector<SiteInfo> sites() const override {
    std::vector<SiteInfo> sites = attention_->sites();
    const auto append = [&](const std::vector<SiteInfo>& more) {
      sites.insert(sites.end(), more.begin(), more.end());
    };
    append({{Site::kAttnOut, d_model_}});
    append(mlp_->sites());
    append({{Site::kMlpDown, d_model_}, {Site::kSharedOut, d_model_}, {Site::kMixerIn, d_model_}});
    append(mamba_->sites());
    append({{Site::kMixerOut, d_model_}, {Site::kResid, d_model_}});
    return sites;
  }

  bool ReadsEmbedding() const override { return true; }
  bool IsAddedToOutput(Site site) const override {
    return site == Site::kMixerOut || site == Site::kResid;
  }
  std::vector<Mixer> mixers() const override { return {*mamba_->mixer(), *attention_->mixer()}; }

  std::vector<Mixing> Mix(const LayerInput& input) const override {
    std::vector<Mixing> mixings = {*mamba_->Mix(LayerStates(*this, input).at(Site::kMixerIn)),
                                   *attention_->Mix(AttentionIn(input))};
    mixings[1].writes = false;
    return mixings;
  }

  std::vector<EditableWeight> editable() const override {
    std::vector<EditableWeight> weights = mlp_->editable();
    weights[0].value = Site::kMlpDown;
    for (EditableWeight& weight : attention_->editable()) {
      weight.value = Site::kAttnOut;
      weights.push_back(std::move(weight));
    }
    for (EditableWeight& weight : weights)
      weight.copy = scope_ + weight.tensor.substr(weight.tensor.find("shared_transformer."));
    for (EditableWeight& weight : mamba_->editable()) weights.push_back(std::move(weight));
    return weights;
  }

  std::unique_ptr<Layer> Edited(const std::string& name, const at::Tensor& change) const override {
    auto copy = std::make_unique<Zamba2SharedLayer>(*this);
    if (name == "W_down") copy->mlp_ = mlp_->Edited(name, change);
    else if (name == "attn_W_o") copy->attention_ = attention_->Edited(name, change);
    else copy->mamba_ = mamba_->Edited(name, change);
    return copy;
  }

  LayerCost cost() const override {
    LayerCost cost{.row = 12 * d_model_ * kFloatBytes};
    for (const Part* part : {attention_.get(), mlp_.get(), mamba_.get()}) cost += part->cost();
    return cost;
  }

 private:
  at::Tensor AttentionIn(const LayerInput& input) const {  // [row, 2 d_model]
    return attention_norm_(at::cat({input.h, input.embedding}, 1), at::kFloat);
  }

  std::string scope_;  // of the layer's own weights
  int64_t d_model_;
  Norm attention_norm_, mlp_norm_, mamba_norm_;
  std::shared_ptr<const Part> attention_, mlp_, mamba_;
  Projection w_s_;  // [d_model, d_model]
};

std::unique_ptr<Layer> MakeZamba2Layer(const Config& config, const Weights& w, int64_t layer) {
  const std::vector<int64_t> shared = SharedLayers(config);
  const auto own = std::find(shared.begin(), shared.end(), layer);
  if (own != shared.end())
    return std::make_unique<Zamba2SharedLayer>(config, w, own - shared.begin());
  return MakeBlock(config.d_model,
                   {{.kind = Sublayer::Kind::kMixer,
                     .norm = LoadRmsNorm(w, "input_layernorm", config),
                     .parts = {MakeMamba2(config.ssm, config.d_model, w.Scope("mamba"))}}});
}

}  // namespace

const Family& Zamba2Family() {
  static const Family family{.model_types = {"zamba2"},
                             .read = ReadZamba2,
                             .names = {.norm = "final_layernorm"},
                             .make_layer = MakeZamba2Layer};
  return family;
}

}  // namespace mambascope
