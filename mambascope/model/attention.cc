#include "mambascope/model/attention.h"

#include <ATen/ATen.h>

#include <cmath>

namespace mambascope {
namespace {

class AttentionPart : public Part {
 public:
  AttentionPart(const AttentionOptions& options, ProjectHeads heads, Projection out)
      : options_(options), heads_(std::move(heads)), w_o_(std::move(out)) {}

  at::Tensor Forward(const at::Tensor& x, const Packing& packing, const Carry& from, Carry& kept,
                     const LayerHooks& hooks) const override {
    const AttentionInput in = Rotated(x, packing);
    const at::Tensor z = hooks(Site::kMixed, Attend(in.q, in.k, in.v, packing, from, kept,
                                                    hooks.Cuts()));  // [row, heads * head_dim]
    return Linear(z, w_o_);                                          // [row, d_model]
  }

  std::optional<Mixing> Mix(const at::Tensor& x) const override {
    return AttentionMixing(Rotated(x, Packing::Whole({x.size(0)})), w_o_);
  }

  std::vector<SiteInfo> sites() const override { return {{Site::kMixed, w_o_.weight.size(1)}}; }
  std::optional<Mixer> mixer() const override {
    return AttentionMixer(options_.config.heads, options_.published);
  }
  std::vector<EditableWeight> editable() const override {
    if (!options_.edits_output) return {};
    return {{"W_o", w_o_.weight, Site::kMixed, Site::kMixerOut, w_o_.tensor}};
  }
  std::unique_ptr<Part> Edited(const std::string& /*name*/,
                               const at::Tensor& change) const override {
    auto copy = std::make_unique<AttentionPart>(*this);
    copy->w_o_.weight = w_o_.weight + change;
    return copy;
  }
  LayerCost cost() const override {
    const AttentionConfig& a = options_.config;
    return {.row = 4 * a.heads * a.head_dim * kFloatBytes,
            .pair = 5 * kFloatBytes * a.heads,
            .keys_and_values = 2 * a.kv_heads * a.head_dim * kFloatBytes};
  }

 private:
  AttentionInput Rotated(const at::Tensor& x, const Packing& packing) const {
    const AttentionConfig& a = options_.config;
    AttentionInput in = heads_(x);
    const at::Tensor positions = packing.Positions().to(x.device());
    // Attend divides by sqrt(head_dim).
    if (a.scale != 0) in.q = in.q * (a.scale * std::sqrt(static_cast<double>(a.head_dim)));
    in.q = Rotate(in.q, positions, a.rope);
    in.k = Rotate(in.k, positions, a.rope);
    return in;
  }

  AttentionOptions options_;
  ProjectHeads heads_;
  Projection w_o_;  // [d_model, heads * head_dim]
};

}  // namespace

std::unique_ptr<Part> MakeAttention(const AttentionOptions& options, ProjectHeads heads,
                                    Projection out) {
  return std::make_unique<AttentionPart>(options, std::move(heads), std::move(out));
}

std::unique_ptr<Part> LoadAttention(const AttentionOptions& options, int64_t d_model,
                                    const Weights& w) {
  const AttentionConfig& a = options.config;
  const int64_t queries = a.heads * a.head_dim, keys = a.kv_heads * a.head_dim;
  return MakeAttention(
      options,
      SeparateHeads(a.head_dim, Projection::Load(w, "q_proj", queries, d_model, a.qkv_bias),
                    Projection::Load(w, "k_proj", keys, d_model, a.qkv_bias),
                    Projection::Load(w, "v_proj", keys, d_model, a.qkv_bias)),
      Projection::Load(w, "o_proj", d_model, queries, a.out_bias));
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
