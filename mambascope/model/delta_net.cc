// The gated DeltaNet. The symbols of its sites are those of Mamba; v takes the place of c.
//
//   q', k', v', z, b, a = W_in x
//   q, k, v = SiLU(conv(q', k', v'))
//   q = q / |q| / sqrt(d_key)             k = k / |k|
//   beta = sigmoid(b)                     log decay = -exp(A_log) softplus(a + dt_bias)
//   S_t = decay_t S_(t-1) + k_t u_t^T     u_t = beta_t (v_t - decay_t S_(t-1)^T k_t)
//   s_t = S_t^T q_t
//   g = SiLU(z)                           o = W_o (RMSNorm(s) * g)
//
// The norm is over each head. Neighbouring heads share a query and a key.
#include "mambascope/model/delta_net.h"

#include <ATen/ATen.h>

#include <cmath>

#include "mambascope/model/kernels/conv.h"
#include "mambascope/model/kernels/delta_scan.h"
#include "mambascope/model/kernels/elementwise.h"
#include "mambascope/model/mamba.h"
#include "mambascope/model/ops.h"

namespace mambascope {
namespace {

class DeltaNet : public Part {
 public:
  DeltaNet(const DeltaConfig& config, int64_t d_model, ProjectDelta projections, const Weights& w)
      : c_(config), projections_(std::move(projections)) {
    const int64_t width = 2 * Keys() + Values();
    conv_ = w.Float("conv1d.weight", {width, 1, c_.d_conv}).squeeze(1).t().contiguous();
    decay_ = w.Float("A_log", {c_.heads}).exp().neg();
    dt_bias_ = w.Float("dt_bias", {c_.heads});
    norm_ = w.Float("norm.weight", {c_.d_value});
    w_o_ = Projection::Load(w, "out_proj", d_model, Values(), false);
  }

  at::Tensor Forward(const at::Tensor& x, const Packing& packing, const Carry& from, Carry& kept,
                     const LayerHooks& hooks) const override {
    const DeltaProjected in = projections_(x);
    const CutRows cuts(packing, hooks.Cuts(MixerKind::kScan), c_.d_conv);
    const DeltaInput input = Inputs(in, packing, from, kept, hooks, cuts);
    const at::Tensor s = hooks(Site::kSsmOut, DeltaScan(input, packing, from.ssm, kept.ssm, cuts));
    const at::Tensor g = hooks(Site::kGate, Silu(hooks(Site::kGateIn, in.z)));
    return Linear(hooks(Site::kMixed, s * NormOf(s) * g), w_o_);  // [row, d_model]
  }

  std::optional<Mixing> Mix(const at::Tensor& x) const override {
    const auto states = PartStates(*this, x);
    const Packing packing = Packing::Whole({x.size(0)});
    Hooks none;
    Carry dropped;
    const DeltaProjected in = projections_(x);
    const DeltaInput input =
        Inputs(in, packing, {}, dropped, {none, 0}, CutRows(packing, {}, c_.d_conv));
    const at::Tensor s = states.at(Site::kSsmOut);
    return Mixing{.channels = c_.heads,
                  .values = input.v.flatten(1),
                  .skip = {},
                  .gate = NormOf(s) * states.at(Site::kGate),
                  .out = w_o_,
                  .step = Softplus(in.a + dt_bias_),
                  .matrix = [input](int64_t first, int64_t begin, int64_t end) {
                    const auto own = [&](const at::Tensor& t) { return t.slice(1, begin, end); };
                    return DeltaMatrix(
                        {own(input.q), own(input.k), {}, own(input.log_a), own(input.beta)}, first);
                  }};
  }

  std::vector<SiteInfo> sites() const override { return ScanSites(Values()); }
  std::optional<Mixer> mixer() const override {
    return ScanMixer(Values(), "head", decay_.unsqueeze(0));
  }
  LayerCost cost() const override {
    const int64_t state = c_.d_key * Values();
    return {.row = (12 * Values() + 8 * Keys() + 64 * c_.heads) * kFloatBytes,
            .slot = (state + (2 * Keys() + Values()) * c_.d_conv) * kFloatBytes,
            .walked_row = (4 * Values() + 4 * Keys()) * kFloatBytes};
  }
  std::vector<EditableWeight> editable() const override {
    return {{"W_o", w_o_.weight, Site::kMixed, Site::kMixerOut, w_o_.tensor}};
  }
  std::unique_ptr<Part> Edited(const std::string& /*name*/,
                               const at::Tensor& change) const override {
    auto copy = std::make_unique<DeltaNet>(*this);
    copy->w_o_.weight = w_o_.weight + change;
    return copy;
  }

 private:
  int64_t Keys() const { return c_.key_heads * c_.d_key; }
  int64_t Values() const { return c_.heads * c_.d_value; }

  DeltaInput Inputs(const DeltaProjected& in, const Packing& packing, const Carry& from,
                    Carry& kept, const LayerHooks& hooks, const CutRows& cuts) const {
    const at::Tensor v = hooks(Site::kConvIn, in.v);  // [row, heads * d_value]
    const auto parts =
        SiluConv(at::cat({in.q, in.k, v}, 1), conv_, {}, packing, from.conv, kept.conv, cuts)
            .split_with_sizes({Keys(), Keys(), Values()}, 1);
    const auto keys = [&](const at::Tensor& y) {  // -> [row + extra, heads, d_key], of length 1
      const at::Tensor heads = y.unflatten(1, {c_.key_heads, c_.d_key});
      return (heads * at::rsqrt(heads.square().sum(2, true) + 1e-6))
          .repeat_interleave(c_.heads / c_.key_heads, 1);
    };
    const at::Tensor values = hooks(Site::kSsmIn, parts[2], packing.rows());
    return {keys(parts[0]) / std::sqrt(static_cast<double>(c_.d_key)), keys(parts[1]),
            values.unflatten(1, {c_.heads, c_.d_value}),
            decay_ * Softplus(cuts.WithExtra(in.a) + dt_bias_), Sigmoid(cuts.WithExtra(in.b))};
  }

  // Returns what the norm multiplies s [row, heads * d_value] by: weight / RMS of the head.
  at::Tensor NormOf(const at::Tensor& s) const {
    const at::Tensor mean = s.unflatten(1, {c_.heads, c_.d_value}).square().mean(2, true);
    return (at::rsqrt(mean + c_.norm_eps) * norm_).flatten(1);
  }

  DeltaConfig c_;
  ProjectDelta projections_;
  at::Tensor conv_;             // [d_conv, 2 key_heads d_key + heads d_value]
  at::Tensor decay_, dt_bias_;  // [heads]
  at::Tensor norm_;             // [d_value]
  Projection w_o_;              // [d_model, heads * d_value]
};

}  // namespace

std::unique_ptr<Part> MakeDeltaNet(const DeltaConfig& config, int64_t d_model,
                                   ProjectDelta projections, const Weights& w) {
  return std::make_unique<DeltaNet>(config, d_model, std::move(projections), w);
}

}  // namespace mambascope
