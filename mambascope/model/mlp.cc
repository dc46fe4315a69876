#include "mambascope/model/mlp.h"

#include <ATen/ATen.h>

namespace mambascope {
namespace {

class Mlp : public Part {
 public:
  Mlp(Activation activation, Projection gate, double gate_scale, Projection up, Projection down,
      bool transposed)
      : activation_(activation),
        gate_scale_(gate_scale),
        w_gate_(std::move(gate)),
        w_up_(std::move(up)),
        w_down_(std::move(down)),
        transposed_(transposed) {}

  at::Tensor Forward(const at::Tensor& y, const Packing& /*packing*/, const Carry& /*from*/,
                     Carry& /*kept*/, const LayerHooks& hooks) const override {
    at::Tensor mid = Linear(y, w_up_);
    if (w_gate_.weight.defined()) {
      const at::Tensor gate = Linear(y, w_gate_);
      mid = Activate(gate_scale_ == 1 ? gate : gate * gate_scale_, activation_) * mid;
    } else {
      mid = Activate(mid, activation_);
    }
    return Linear(hooks(Site::kMlpMid, mid), w_down_);
  }

  std::vector<SiteInfo> sites() const override { return {{Site::kMlpMid, w_down_.weight.size(1)}}; }
  std::vector<EditableWeight> editable() const override {
    return {
        {"W_down", w_down_.weight, Site::kMlpMid, Site::kMlpOut, w_down_.tensor, 0, transposed_}};
  }
  std::unique_ptr<Part> Edited(const std::string& /*name*/,
                               const at::Tensor& change) const override {
    auto copy = std::make_unique<Mlp>(*this);
    copy->w_down_.weight = w_down_.weight + change;
    return copy;
  }
  LayerCost cost() const override { return {.row = 4 * w_down_.weight.size(1) * kFloatBytes}; }

 private:
  Activation activation_;
  double gate_scale_;
  Projection w_gate_;         // [width, d_model]; undefined: not gated
  Projection w_up_, w_down_;  // [width, d_model], [d_model, width]
  bool transposed_;
};

}  // namespace

std::unique_ptr<Part> MakeMlp(Activation activation, Projection up, Projection down,
                              bool transposed) {
  return std::make_unique<Mlp>(activation, Projection(), 1.0, std::move(up), std::move(down),
                               transposed);
}

std::unique_ptr<Part> MakeGatedMlp(Activation activation, Projection gate, Projection up,
                                   Projection down, double gate_scale) {
  return std::make_unique<Mlp>(activation, std::move(gate), gate_scale, std::move(up),
                               std::move(down), false);
}

std::unique_ptr<Part> LoadGatedMlp(const MlpConfig& config, int64_t d_model, const Weights& w) {
  return MakeGatedMlp(
      config.activation, Projection::Load(w, "gate_proj", config.width, d_model, config.bias),
      Projection::Load(w, "up_proj", config.width, d_model, config.bias),
      Projection::Load(w, "down_proj", d_model, config.width, config.bias), config.gate_scale);
}

std::unique_ptr<Part> LoadMlp(const MlpConfig& config, int64_t d_model, const Weights& w) {
  return MakeMlp(config.activation,
                 Projection::Load(w, "up_proj", config.width, d_model, config.bias),
                 Projection::Load(w, "down_proj", d_model, config.width, config.bias));
}

}  // namespace mambascope
