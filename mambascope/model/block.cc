#include "mambascope/model/block.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace mambascope {
namespace {

Site Output(const Sublayer& sublayer) {
  return sublayer.kind == Sublayer::Kind::kMixer ? Site::kMixerOut : Site::kMlpOut;
}

class Block : public Layer {
 public:
  Block(int64_t d_model, std::vector<Sublayer> sublayers)
      : d_model_(d_model), sublayers_(std::move(sublayers)) {}

  at::Tensor Forward(const at::Tensor& h, const Packing& packing, const Carry& from, Carry& kept,
                     const LayerHooks& hooks) const override {
    at::Tensor r = h;
    for (const Sublayer& sublayer : sublayers_) {
      at::Tensor x =
          sublayer.norm(sublayer.reads == Sublayer::Reads::kStream ? r : h);  // [row, d_model]
      if (sublayer.kind == Sublayer::Kind::kMixer) x = hooks(Site::kMixerIn, x);
      at::Tensor out;
      for (const auto& part : sublayer.parts) {
        const at::Tensor own = part->Forward(x, packing, from, kept, hooks);
        out = out.defined() ? out + own : own;
      }
      if (sublayer.scale != 1) out = out * sublayer.scale;
      r = r + hooks(Output(sublayer), out);
    }
    return hooks(Site::kResid, r);
  }

  std::vector<SiteInfo> sites() const override {
    std::vector<SiteInfo> sites;
    for (const Sublayer& sublayer : sublayers_) {
      if (sublayer.kind == Sublayer::Kind::kMixer) sites.push_back({Site::kMixerIn, d_model_});
      for (const auto& part : sublayer.parts) {
        for (const SiteInfo& info : part->sites()) sites.push_back(info);
      }
      sites.push_back({Output(sublayer), d_model_});
    }
    sites.push_back({Site::kResid, d_model_});
    return sites;
  }

  // A sublayer's output is read by later sublayers that read the residual stream.
  bool IsAddedToOutput(Site site) const override {
    if (site == Site::kResid) return true;
    for (auto sublayer = sublayers_.rbegin(); sublayer != sublayers_.rend(); ++sublayer) {
      if (Output(*sublayer) == site) return true;
      if (sublayer->reads == Sublayer::Reads::kStream) return false;
    }
    return false;
  }

  std::vector<Mixer> mixers() const override {
    std::vector<Mixer> mixers;
    ForEachPart([&](const Sublayer&, const Part& part) {
      if (const auto mixer = part.mixer()) mixers.push_back(*mixer);
    });
    return mixers;
  }

  std::vector<Mixing> Mix(const at::Tensor& h) const override {
    if (mixers().empty()) return {};
    const at::Tensor x = LayerStates(*this, h).at(Site::kMixerIn);
    std::vector<Mixing> mixings;
    ForEachPart([&](const Sublayer& sublayer, const Part& part) {
      std::optional<Mixing> mixing = part.Mix(x);
      if (!mixing) return;
      mixing->out = Scaled(mixing->out, sublayer.scale);
      mixings.push_back(*std::move(mixing));
    });
    return mixings;
  }

  std::vector<EditableWeight> editable() const override {
    std::vector<EditableWeight> weights;
    ForEachPart([&](const Sublayer& sublayer, const Part& part) {
      for (EditableWeight& weight : part.editable()) {
        if (weight.value == Output(sublayer)) weight.scale *= sublayer.scale;
        weights.push_back(std::move(weight));
      }
    });
    return weights;
  }

  std::unique_ptr<Layer> Edited(const std::string& name, const at::Tensor& change) const override {
    auto copy = std::make_unique<Block>(*this);
    for (Sublayer& sublayer : copy->sublayers_) {
      for (auto& part : sublayer.parts) {
        const std::vector<EditableWeight> weights = part->editable();
        if (std::any_of(weights.begin(), weights.end(),
                        [&](const EditableWeight& weight) { return weight.name == name; }))
          part = part->Edited(name, change);
      }
    }
    return copy;
  }

  LayerCost cost() const override {
    LayerCost cost{.row = 6 * d_model_ * kFloatBytes};
    ForEachPart([&](const Sublayer&, const Part& part) { cost += part.cost(); });
    return cost;
  }

 private:
  template <typename Use>
  void ForEachPart(const Use& use) const {
    for (const Sublayer& sublayer : sublayers_) {
      for (const auto& part : sublayer.parts) use(sublayer, *part);
    }
  }

  int64_t d_model_;
  std::vector<Sublayer> sublayers_;
};

}  // namespace

std::unique_ptr<Layer> MakeBlock(int64_t d_model, std::vector<Sublayer> sublayers) {
  return std::make_unique<Block>(d_model, std::move(sublayers));
}

}  // namespace mambascope
