// Mamba-2 (Dao & Gu 2024, section 7): each head has one decay, the heads of a group share B and C,
// and a norm follows the gate.
//
//   z, a, B', C', dt = m * W_in x         c, B, C = SiLU(conv(a, B', C'))
//   delta = clamp(softplus(dt + dt_bias))            A = -exp(A_log)
//   S_t = exp(delta_t A) S_(t-1) + delta_t c_t B_t   s_t = C_t S_t + D c_t
//   g = SiLU(z)                           o = W_o RMSNorm(s * g)
//
// The norm of s * g takes a separate RMS for each group, as in the authors' code. The multipliers m
// are 1 except in Falcon-H1, which may also normalise s before the gate, or not at all.
#include <ATen/ATen.h>

#include "mambascope/model/kernels/conv.h"
#include "mambascope/model/kernels/elementwise.h"
#include "mambascope/model/kernels/scan.h"
#include "mambascope/model/mamba.h"
#include "mambascope/model/ops.h"

namespace mambascope {
namespace {

class Mamba2 : public Part {
 public:
  Mamba2(const SsmConfig& ssm, int64_t d_model, const Weights& m) : ssm_(ssm) {
    const int64_t d = ssm_.d_inner, conv_width = d + 2 * ssm_.groups * ssm_.d_state;
    w_in_ = Projection::Load(m, "in_proj", d + conv_width + ssm_.heads, d_model, ssm_.in_bias);
    w_o_ = Projection::Load(m, "out_proj", d_model, d, ssm_.out_bias);
    conv_ = m.Float("conv1d.weight", {conv_width, 1, ssm_.d_conv}).squeeze(1).t().contiguous();
    if (ssm_.conv_bias) conv_bias_ = m.Float("conv1d.bias", {conv_width});
    dt_bias_ = m.Float("dt_bias", {ssm_.heads});
    decay_ = m.Float("A_log", {ssm_.heads}).exp().neg().unsqueeze(0);
    a_ = PerChannel(decay_).contiguous();
    d_ = PerChannel(m.Float("D", {ssm_.heads}));
    if (ssm_.gated_norm != SsmConfig::GatedNorm::kNone) gated_norm_ = m.Float("norm.weight", {d});
    if (ssm_.multipliers != SsmConfig().multipliers) {
      const int64_t bc = ssm_.groups * ssm_.d_state;
      multipliers_ =
          at::repeat_interleave(at::tensor(at::ArrayRef<double>(ssm_.multipliers), at::kFloat),
                                at::tensor({d, d, bc, bc, ssm_.heads}))
              .to(a_.device());
    }
  }

  at::Tensor Forward(const at::Tensor& x, const Packing& packing, const Carry& from, Carry& kept,
                     const LayerHooks& hooks) const override {
    const auto in = Projected(x);
    const CutRows cuts(packing, hooks.Cuts(MixerKind::kScan), ssm_.d_conv);
    const GatedScanInput input = Selected(in, packing, from, kept, hooks, cuts);
    at::Tensor s = GatedScan(input, packing, from.ssm, kept.ssm, cuts), mixed;
    if (hooks.Act({Site::kSsmOut, Site::kGate})) {
      s = hooks(Site::kSsmOut, s);
      mixed = Mixed(s, hooks(Site::kGate, Silu(hooks(Site::kGateIn, in.z))));
    } else {
      mixed = MixedWith(s, hooks(Site::kGateIn, in.z),
                        hooks.Act({Site::kMixed}) ? at::kFloat : w_o_.weight.scalar_type());
    }
    return Linear(hooks(Site::kMixed, mixed), w_o_);  // [row, d_model]
  }

  std::optional<Mixing> Mix(const at::Tensor& x) const override {
    const auto states = PartStates(*this, x);
    const Packing packing = Packing::Whole({x.size(0)});
    NoHooks none;
    Carry dropped;
    const GatedScanInput input =
        Selected(Projected(x), packing, {}, dropped, {none, 0}, CutRows(packing, {}, ssm_.d_conv));
    return ScanMixing(ScanOf(input), ssm_.head_dim, d_,
                      Gate(states.at(Site::kSsmOut), states.at(Site::kGate)), w_o_);
  }

  at::ScalarType InputType() const override { return w_in_.weight.scalar_type(); }
  std::vector<SiteInfo> sites() const override { return ScanSites(ssm_.d_inner); }
  std::optional<Mixer> mixer() const override { return ScanMixer(ssm_.d_inner, "head", decay_); }
  LayerCost cost() const override { return ScanCost(ssm_, a_.device()); }

  std::vector<EditableWeight> editable() const override {
    const int64_t d = ssm_.d_inner;
    return {{"W_a", w_in_.weight.narrow(0, d, d), Site::kMixerIn, Site::kConvIn, w_in_.tensor, d,
             false, ssm_.multipliers[1]},
            {"W_g", w_in_.weight.narrow(0, 0, d), Site::kMixerIn, Site::kGateIn, w_in_.tensor, 0,
             false, ssm_.multipliers[0]},
            {"W_o", w_o_.weight, Site::kMixed, Site::kMixerOut, w_o_.tensor}};
  }

  std::unique_ptr<Part> Edited(const std::string& name, const at::Tensor& change) const override {
    auto copy = std::make_unique<Mamba2>(*this);
    at::Tensor& weight = (name == "W_o" ? copy->w_o_ : copy->w_in_).weight;
    weight = weight.clone();
    for (const EditableWeight& part : copy->editable()) {
      if (part.name == name) part.weight.add_(change);
    }
    return copy;
  }

 private:
  // What W_in gives. The parts are views of one matrix.
  struct In {
    at::Tensor z;    // [row, d_inner]
    at::Tensor abc;  // a, B' and C', [row, d_inner + 2 groups d_state]
    at::Tensor dt;   // [row, heads]
  };
  In Projected(const at::Tensor& x) const {
    const at::Tensor in = Linear(x, w_in_);
    const int64_t d = ssm_.d_inner;
    const auto parts =
        (multipliers_.defined() ? in * multipliers_ : in)
            .split_with_sizes({d, d + 2 * ssm_.groups * ssm_.d_state, ssm_.heads}, 1);
    return {parts[0], parts[1], parts[2]};
  }
  // Returns the inputs of the recurrence, [row + extra, ..].
  GatedScanInput Selected(const In& in, const Packing& packing, const Carry& from, Carry& kept,
                          const LayerHooks& hooks, const CutRows& cuts) const {
    const int64_t d = ssm_.d_inner, bc = ssm_.groups * ssm_.d_state;
    at::Tensor abc = in.abc;
    if (hooks.Act({Site::kConvIn}))
      abc = at::cat({hooks(Site::kConvIn, abc.narrow(1, 0, d)), abc.narrow(1, d, 2 * bc)}, 1);
    const auto parts = SiluConv(abc, conv_, conv_bias_, packing, from.conv, kept.conv, cuts)
                           .split_with_sizes({d, bc, bc}, 1);
    return {.x = hooks(Site::kSsmIn, parts[0], packing.rows()),
            .dt = cuts.WithExtra(in.dt),
            .dt_bias = dt_bias_,
            .dt_min = ssm_.dt_min,
            .dt_max = ssm_.dt_max,
            .a = a_,
            .b = Grouped(parts[1]),
            .c = Grouped(parts[2]),
            .d = d_};
  }
  // Mixed with g = SiLU(z).
  at::Tensor MixedWith(const at::Tensor& s, const at::Tensor& z, at::ScalarType as) const {
    return ssm_.gated_norm == SsmConfig::GatedNorm::kAfterGate
               ? GatedRmsNorm(s, z, gated_norm_, ssm_.norm_groups, ssm_.norm_eps, as)
               : Mixed(s, Silu(z));
  }
  at::Tensor Mixed(const at::Tensor& s, const at::Tensor& g) const {  // [row, d_inner]
    const auto norm = [&](const at::Tensor& x) {
      return GroupedRmsNorm(x, gated_norm_, ssm_.norm_groups, ssm_.norm_eps);
    };
    switch (ssm_.gated_norm) {
      case SsmConfig::GatedNorm::kAfterGate: return norm(s * g);
      case SsmConfig::GatedNorm::kBeforeGate: return norm(s) * g;
      case SsmConfig::GatedNorm::kNone: break;
    }
    return s * g;
  }
  // Returns what Mixed multiplies s [row, d_inner] by, [row, d_inner].
  at::Tensor Gate(const at::Tensor& s, const at::Tensor& g) const {
    if (ssm_.gated_norm == SsmConfig::GatedNorm::kNone) return g;
    const at::Tensor normed = ssm_.gated_norm == SsmConfig::GatedNorm::kAfterGate ? s * g : s;
    const at::Tensor mean = normed.square().view({s.size(0), ssm_.norm_groups, -1}).mean(-1);
    return gated_norm_ * g *
           at::rsqrt(mean + ssm_.norm_eps).repeat_interleave(ssm_.d_inner / ssm_.norm_groups, 1);
  }
  // [.., heads] -> [.., d_inner]: repeats a head's value for all its channels.
  at::Tensor PerChannel(const at::Tensor& x) const {
    return x.repeat_interleave(ssm_.head_dim, -1);
  }
  // [row, groups * d_state] -> [row, groups, d_state].
  at::Tensor Grouped(const at::Tensor& x) const {
    return x.unflatten(1, {ssm_.groups, ssm_.d_state});
  }

  const SsmConfig ssm_;
  at::Tensor gated_norm_;   // [d_inner]
  at::Tensor multipliers_;  // of the rows of W_in; undefined: 1
  Projection w_in_, w_o_;   // [2 d_inner + 2 groups d_state + heads, d_model], [d_model, d_inner]
  // [d_conv, d_inner + 2 groups d_state], [d_inner + 2 groups d_state]
  at::Tensor conv_, conv_bias_;
  at::Tensor dt_bias_;        // [heads]
  at::Tensor decay_, a_, d_;  // [1, heads], [1, d_inner], [d_inner]
};

}  // namespace

std::unique_ptr<Part> MakeMamba2(const SsmConfig& ssm, int64_t d_model, const Weights& w) {
  return std::make_unique<Mamba2>(ssm, d_model, w);
}

}  // namespace mambascope
