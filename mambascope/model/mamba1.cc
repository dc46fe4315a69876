// Mamba-1 (Gu & Dao 2023, Algorithm 2; symbols of Sharma et al. 2024, section 2), and Falcon-Mamba,
// which also normalises B, C and dt.
//
//   a = W_a x                           c = SiLU(conv(a))
//   dt, B, C = W_x c                    delta = softplus(W_dt dt)    A = -exp(A_log)
//   S_t = exp(delta_t A) S_(t-1) + delta_t c_t B_t                   s_t = C_t S_t + D c_t
//   g = SiLU(W_g x)                     o = W_o (s * g)
#include <ATen/ATen.h>

#include "mambascope/model/kernels/conv.h"
#include "mambascope/model/kernels/elementwise.h"
#include "mambascope/model/kernels/scan.h"
#include "mambascope/model/mamba.h"
#include "mambascope/model/ops.h"

namespace mambascope {
namespace {

class Mamba1 : public Part {
 public:
  Mamba1(const SsmConfig& ssm, int64_t d_model, const Weights& m) : ssm_(ssm) {
    const int64_t d = ssm_.d_inner, n = ssm_.d_state;
    const Projection in = Projection::Load(m, "in_proj", 2 * d, d_model, ssm_.in_bias);
    w_a_ = in.Rows(0, d);
    w_g_ = in.Rows(d, d);
    w_o_ = Projection::Load(m, "out_proj", d_model, d, ssm_.out_bias);
    w_x_ = Projection::Load(m, "x_proj", ssm_.dt_rank + 2 * n, d, false);
    w_dt_ = Projection::Load(m, "dt_proj", d, ssm_.dt_rank, false);
    dt_bias_ = m.Float("dt_proj.bias", {d});
    conv_ = m.Float("conv1d.weight", {d, 1, ssm_.d_conv}).squeeze(1).t().contiguous();
    if (ssm_.conv_bias) conv_bias_ = m.Float("conv1d.bias", {d});
    if (ssm_.bcdt_norm_weights) {
      dt_norm_ = m.Float("dt_layernorm.weight", {ssm_.dt_rank});
      b_norm_ = m.Float("b_layernorm.weight", {n});
      c_norm_ = m.Float("c_layernorm.weight", {n});
    }
    a_ = m.Float("A_log", {d, n}).exp().neg().t().contiguous();
    d_ = m.Float("D", {d});
  }

  at::Tensor Forward(const at::Tensor& x, const Packing& packing, const Carry& from, Carry& kept,
                     const LayerHooks& hooks) const override {
    const at::Tensor a = hooks(Site::kConvIn, Linear(x, w_a_));  // [row, d_inner]
    const CutRows cuts(packing, hooks.Cuts(MixerKind::kScan), ssm_.d_conv);
    const at::Tensor c =
        hooks(Site::kSsmIn, SiluConv(a, conv_, conv_bias_, packing, from.conv, kept.conv, cuts),
              packing.rows());
    const auto scan = [&](const at::Tensor& gate_in, at::ScalarType as) {
      return GatedScan(Selected(c, gate_in, as), packing, from.ssm, kept.ssm, cuts);
    };
    const auto gate_in = [&] { return hooks(Site::kGateIn, Linear(x, w_g_)); };
    at::Tensor mixed;
    if (hooks.Act({Site::kSsmOut, Site::kGate})) {
      const at::Tensor s = hooks(Site::kSsmOut, scan({}, at::kFloat));
      mixed = s * hooks(Site::kGate, Silu(gate_in()));
    } else {
      mixed = scan(gate_in(), hooks.Act({Site::kMixed}) ? at::kFloat : w_o_.weight.scalar_type());
    }
    return Linear(hooks(Site::kMixed, mixed), w_o_);  // [row, d_model]
  }

  std::optional<Mixing> Mix(const at::Tensor& x) const override {
    const auto states = PartStates(*this, x);
    return ScanMixing(ScanOf(Selected(states.at(Site::kSsmIn))), 1, d_, states.at(Site::kGate),
                      w_o_);
  }

  at::ScalarType InputType() const override { return w_a_.weight.scalar_type(); }
  std::vector<SiteInfo> sites() const override { return ScanSites(ssm_.d_inner); }
  std::optional<Mixer> mixer() const override { return ScanMixer(ssm_.d_inner, "channel", a_); }
  LayerCost cost() const override { return ScanCost(ssm_, a_.device()); }

  std::vector<EditableWeight> editable() const override {
    return {{"W_a", w_a_.weight, Site::kMixerIn, Site::kConvIn, w_a_.tensor},
            {"W_g", w_g_.weight, Site::kMixerIn, Site::kGateIn, w_g_.tensor, ssm_.d_inner},
            {"W_o", w_o_.weight, Site::kMixed, Site::kMixerOut, w_o_.tensor}};
  }

  std::unique_ptr<Part> Edited(const std::string& name, const at::Tensor& change) const override {
    auto copy = std::make_unique<Mamba1>(*this);
    at::Tensor& weight = (name == "W_a"   ? copy->w_a_
                          : name == "W_g" ? copy->w_g_
                                          : copy->w_o_)
                             .weight;
    weight = weight + change;
    return copy;
  }

 private:
  // Returns the inputs of the recurrence. The step size, B and C depend on c, hence "selective".
  GatedScanInput Selected(const at::Tensor& c, const at::Tensor& gate_in = {},
                          at::ScalarType as = at::kFloat) const {
    const int64_t n = ssm_.d_state;
    const auto parts = Linear(c, w_x_).split_with_sizes({ssm_.dt_rank, n, n}, 1);
    const at::Tensor dt = Normed(parts[0], dt_norm_), b = Normed(parts[1], b_norm_),
                     cc = Normed(parts[2], c_norm_);
    return {.x = c,
            .dt = Linear(dt, w_dt_),  // [row, d_inner]
            .dt_bias = dt_bias_,
            .a = a_,
            .b = b.unsqueeze(1),
            .c = cc.unsqueeze(1),
            .d = d_,
            .gate_in = gate_in,
            .as = as};
  }
  at::Tensor Normed(const at::Tensor& x, const at::Tensor& weight) const {
    return ssm_.bcdt_norm_eps ? RmsNorm(x, weight, *ssm_.bcdt_norm_eps) : x;
  }

  const SsmConfig ssm_;
  Projection w_a_, w_g_, w_o_;            // [d_inner, d_model] twice, [d_model, d_inner]
  Projection w_x_, w_dt_;                 // [dt_rank + 2 d_state, d_inner], [d_inner, dt_rank]
  at::Tensor dt_norm_, b_norm_, c_norm_;  // [dt_rank], [d_state] twice; undefined: 1
  at::Tensor conv_, conv_bias_;           // [d_conv, d_inner], [d_inner]
  at::Tensor dt_bias_, a_, d_;            // [d_inner], [d_state, d_inner], [d_inner]
};

}  // namespace

std::unique_ptr<Part> MakeMamba1(const SsmConfig& ssm, int64_t d_model, const Weights& w) {
  return std::make_unique<Mamba1>(ssm, d_model, w);
}

}  // namespace mambascope
