#include "mambascope/model/mlp.h"

#include <ATen/ATen.h>

namespace mambascope {
namespace {

class Mlp : public Part {
 public:
  Mlp(HiddenLayer hidden, Projection down, bool transposed)
      : hidden_(std::move(hidden)), w_down_(std::move(down)), transposed_(transposed) {}

  at::Tensor Forward(const at::Tensor& y, const Packing& /*packing*/, const Carry& /*from*/,
                     Carry& /*kept*/, const LayerHooks& hooks) const override {
    return Linear(hooks(Site::kMlpMid, hidden_(y)), w_down_);
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
  HiddenLayer hidden_;
  Projection w_down_;  // [d_model, width]
  bool transposed_;
};

}  // namespace

std::unique_ptr<Part> MakeMlp(HiddenLayer hidden, Projection down, bool transposed) {
  return std::make_unique<Mlp>(std::move(hidden), std::move(down), transposed);
}

HiddenLayer PlainHidden(Activation activation, Projection up) {
  return [activation, up = std::move(up)](const at::Tensor& y) {
    return Activate(Linear(y, up), activation);
  };
}

HiddenLayer GatedHidden(Activation activation, Projection gate, Projection up, double gate_scale) {
  return [=, gate = std::move(gate), up = std::move(up)](const at::Tensor& y) {
    const at::Tensor g = Linear(y, gate);
    return Activate(gate_scale == 1 ? g : g * gate_scale, activation) * Linear(y, up);
  };
}

std::unique_ptr<Part> LoadGatedMlp(const MlpConfig& config, int64_t d_model, const Weights& w) {
  return MakeMlp(GatedHidden(config.activation,
                             Projection::Load(w, "gate_proj", config.width, d_model, config.bias),
                             Projection::Load(w, "up_proj", config.width, d_model, config.bias),
                             config.gate_scale),
                 Projection::Load(w, "down_proj", d_model, config.width, config.bias));
}

std::unique_ptr<Part> LoadMlp(const MlpConfig& config, int64_t d_model, const Weights& w) {
  return MakeMlp(PlainHidden(config.activation,
                             Projection::Load(w, "up_proj", config.width, d_model, config.bias)),
                 Projection::Load(w, "down_proj", d_model, config.width, config.bias));
}

}  // namespace mambascope
