#include "mambascope/model/attention.h"

#include <ATen/ATen.h>

#include "mambascope/model/block.h"
#include "mambascope/model/kernels/conv.h"
#include "mambascope/model/kernels/elementwise.h"
#include "mambascope/model/kernels/rope.h"
#include "mambascope/model/norms.h"

namespace mambascope {
namespace {

class AttentionPart : public Part {
 public:
  AttentionPart(const AttentionOptions& options, ProjectHeads heads, Projection out, HeadsConv conv)
      : options_(options), heads_(std::move(heads)), w_o_(std::move(out)), conv_(std::move(conv)) {}

  at::Tensor Forward(const at::Tensor& x, const Packing& packing, const Carry& from, Carry& kept,
                     const LayerHooks& hooks) const override {
    const AttentionInput in = Inputs(x, packing, from, kept);
    at::Tensor z =
        Attend(in, options_.config, packing, from, kept, hooks.Cuts(MixerKind::kAttention));
    if (in.gate.defined()) z = z * in.gate;
    return Linear(hooks(options_.mixed, z), w_o_);  // [row, heads * head_dim] -> [row, d_model]
  }

  std::optional<Mixing> Mix(const at::Tensor& x) const override {
    Carry dropped;
    return AttentionMixing(Inputs(x, Packing::Whole({x.size(0)}), {}, dropped), options_.config,
                           w_o_);
  }

  std::vector<SiteInfo> sites() const override { return {{options_.mixed, w_o_.weight.size(1)}}; }
  std::optional<Mixer> mixer() const override {
    Mixer mixer = AttentionMixer(options_.config.heads, options_.published);
    mixer.has_conv = conv_.weight.defined();
    return mixer;
  }
  std::vector<EditableWeight> editable() const override {
    return {{options_.w_o, w_o_.weight, options_.mixed, Site::kMixerOut, w_o_.tensor, 0,
             options_.transposed}};
  }
  std::unique_ptr<Part> Edited(const std::string& /*name*/,
                               const at::Tensor& change) const override {
    auto copy = std::make_unique<AttentionPart>(*this);
    copy->w_o_.weight = w_o_.weight + change;
    return copy;
  }
  LayerCost cost() const override {
    const AttentionConfig& a = options_.config;
    const int64_t conv = conv_.weight.defined() ? conv_.weight.numel() : 0;
    return {.row = 4 * a.heads * a.head_dim * kFloatBytes,
            .pair = kPairBytes * a.heads,
            .slot = conv * kFloatBytes,
            .keys_and_values = 2 * a.kv_heads * a.head_dim * kFloatBytes};
  }

 private:
  AttentionInput Inputs(const at::Tensor& x, const Packing& packing, const Carry& from,
                        Carry& kept) const {
    AttentionInput in = heads_(x);
    if (conv_.weight.defined()) Convolve(in, packing, from, kept);
    const at::Tensor positions = SentTo(x.device(), packing.Positions());
    in.q = Rotate(in.q, positions, options_.config.rope);
    in.k = Rotate(in.k, positions, options_.config.rope);
    return in;
  }

  void Convolve(AttentionInput& in, const Packing& packing, const Carry& from, Carry& kept) const {
    const at::Tensor qkv = at::cat({in.q.flatten(1), in.k.flatten(1), in.v.flatten(1)}, 1);
    const CutRows none(packing, {}, conv_.weight.size(0));
    const auto parts =
        CausalConv(qkv, conv_.weight, conv_.bias, packing, from.conv, kept.conv, none)
            .split_with_sizes({in.q[0].numel(), in.k[0].numel(), in.v[0].numel()}, 1);
    in.q = parts[0].reshape(in.q.sizes());
    in.k = parts[1].reshape(in.k.sizes());
    in.v = parts[2].reshape(in.v.sizes());
  }

  AttentionOptions options_;
  ProjectHeads heads_;
  Projection w_o_;  // [d_model, heads * head_dim]
  HeadsConv conv_;
};

// Normalises queries and keys, each head by itself or all heads together.
ProjectHeads WithNorms(ProjectHeads heads, AttentionConfig::QkNorm kind, Norm q, Norm k) {
  const auto normed = [kind](const at::Tensor& x, const Norm& norm) {
    return kind == AttentionConfig::QkNorm::kHead
               ? norm(x, at::kFloat)
               : norm(x.flatten(1), at::kFloat).reshape(x.sizes());
  };
  return [=](const at::Tensor& x) {
    AttentionInput in = heads(x);
    in.q = normed(in.q, q);
    in.k = normed(in.k, k);
    return in;
  };
}

// The rows of q_proj hold, for each head in turn, its query and its gate.
ProjectHeads GatedHeads(int64_t head_dim, const Projection& q, const Projection& k,
                        const Projection& v) {
  return [=](const at::Tensor& x) {
    const auto heads = [&](const Projection& p, int64_t width) {
      return Linear(x, p).reshape({x.size(0), -1, width});
    };
    const auto parts = heads(q, 2 * head_dim).chunk(2, 2);  // [row, heads, head_dim] each
    return AttentionInput{parts[0], heads(k, head_dim), heads(v, head_dim),
                          Sigmoid(parts[1]).flatten(1)};
  };
}

}  // namespace

std::unique_ptr<Part> MakeAttention(const AttentionOptions& options, ProjectHeads heads,
                                    Projection out, HeadsConv conv) {
  return std::make_unique<AttentionPart>(options, std::move(heads), std::move(out),
                                         std::move(conv));
}

std::unique_ptr<Part> LoadAttention(const AttentionOptions& options, const Config& config,
                                    const Weights& w) {
  using QkNorm = AttentionConfig::QkNorm;
  const AttentionConfig& a = options.config;
  const int64_t d = config.d_model, queries = a.heads * a.head_dim, keys = a.kv_heads * a.head_dim;
  const auto make = a.has_gate ? GatedHeads : SeparateHeads;
  ProjectHeads heads = make(
      a.head_dim, Projection::Load(w, "q_proj", a.has_gate ? 2 * queries : queries, d, a.qkv_bias),
      Projection::Load(w, "k_proj", keys, d, a.qkv_bias),
      Projection::Load(w, "v_proj", keys, d, a.qkv_bias));
  if (a.qk_norm != QkNorm::kNone) {
    const bool each = a.qk_norm == QkNorm::kHead;
    heads = WithNorms(std::move(heads), a.qk_norm,
                      LoadRmsNorm(w, "q_norm", config, each ? a.head_dim : queries),
                      LoadRmsNorm(w, "k_norm", config, each ? a.head_dim : keys));
  }
  return MakeAttention(options, std::move(heads),
                       Projection::Load(w, options.out, d, queries, a.out_bias));
}

ProjectHeads SeparateHeads(int64_t head_dim, const Projection& q, const Projection& k,
                           const Projection& v) {
  return [=](const at::Tensor& x) -> AttentionInput {
    const auto heads = [&](const Projection& p) {
      return Linear(x, p).reshape({x.size(0), -1, head_dim});
    };
    return {heads(q), heads(k), heads(v)};
  };
}

}  // namespace mambascope
