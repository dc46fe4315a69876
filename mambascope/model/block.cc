#include "mambascope/model/block.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace mambascope {
namespace {

at::Tensor Times(const at::Tensor& x, double scale) { return scale == 1 ? x : x * scale; }

Site Output(const Sublayer& sublayer) {
  return sublayer.kind == Sublayer::Kind::kMixer ? Site::kMixerOut : Site::kMlpOut;
}

// Makes the norm of the mixer's output `out` [token, d_model] a part of the gate and of W, with the
// norm's scale fixed at its value in this run.
void FoldNorm(Mixing& mixing, const PostNorm& norm, const at::Tensor& out) {
  const at::Tensor scale = at::rsqrt(out.square().mean(1, true) + norm.eps);  // [token, 1]
  mixing.gate = mixing.gate.defined() ? mixing.gate * scale : scale;
  mixing.out.weight = mixing.out.weight * norm.weight.unsqueeze(1);
}

class Block : public Layer {
 public:
  Block(int64_t d_model, std::vector<Sublayer> sublayers)
      : d_model_(d_model), sublayers_(std::move(sublayers)) {}

  at::Tensor Forward(const at::Tensor& h, const Packing& packing, const Carry& from, Carry& kept,
                     const LayerHooks& hooks) const override {
    at::Tensor r = h;
    for (const Sublayer& sublayer : sublayers_) {
      at::Tensor x = sublayer.reads == Sublayer::Reads::kStream ? r : h;  // [row, d_model]
      if (sublayer.norm) x = sublayer.norm(x, InputType(sublayer, hooks));
      if (sublayer.kind == Sublayer::Kind::kMixer) x = hooks(Site::kMixerIn, x);
      at::Tensor out;
      for (const Branch& branch : sublayer.parts) {
        at::Tensor own =
            branch.part->Forward(Times(x, branch.in_scale), packing, from, kept, hooks);
        own = Times(own, branch.out_scale);
        if (branch.site) own = hooks(*branch.site, own);
        out = out.defined() ? out + own : own;
      }
      if (sublayer.post_norm.weight.defined())
        out = RmsNorm(out, sublayer.post_norm.weight, sublayer.post_norm.eps);
      r = r + hooks(Output(sublayer), Times(out, sublayer.scale));
    }
    return hooks(Site::kResid, r);
  }

  std::vector<SiteInfo> sites() const override {
    std::vector<SiteInfo> sites;
    for (const Sublayer& sublayer : sublayers_) {
      if (sublayer.kind == Sublayer::Kind::kMixer) sites.push_back({Site::kMixerIn, d_model_});
      for (const Branch& branch : sublayer.parts) {
        for (const SiteInfo& info : branch.part->sites()) sites.push_back(info);
        if (branch.site) sites.push_back({*branch.site, d_model_});
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
    ForEachBranch([&](const Sublayer&, const Branch& branch) {
      if (const auto mixer = branch.part->mixer()) mixers.push_back(*mixer);
    });
    return mixers;
  }

  std::vector<Mixing> Mix(const LayerInput& input) const override {
    if (mixers().empty()) return {};
    const auto states = LayerStates(*this, input);
    const at::Tensor x = states.at(Site::kMixerIn);
    std::vector<Mixing> mixings;
    ForEachBranch([&](const Sublayer& sublayer, const Branch& branch) {
      std::optional<Mixing> mixing = branch.part->Mix(Times(x, branch.in_scale));
      if (!mixing) return;
      mixing->out = Scaled(mixing->out, branch.out_scale * sublayer.scale);
      if (sublayer.post_norm.weight.defined())
        FoldNorm(*mixing, sublayer.post_norm, states.at(*branch.site));
      mixings.push_back(*std::move(mixing));
    });
    return mixings;
  }

  std::vector<EditableWeight> editable() const override {
    std::vector<EditableWeight> weights;
    ForEachBranch([&](const Sublayer& sublayer, const Branch& branch) {
      for (EditableWeight& weight : branch.part->editable()) {
        if (weight.key == Site::kMixerIn) weight.scale *= branch.in_scale;
        if (weight.value == Output(sublayer)) {
          weight.scale *= branch.out_scale * (branch.site ? 1 : sublayer.scale);
          weight.value = branch.site.value_or(weight.value);
        }
        weights.push_back(std::move(weight));
      }
    });
    return weights;
  }

  std::unique_ptr<Layer> Edited(const std::string& name, const at::Tensor& change) const override {
    auto copy = std::make_unique<Block>(*this);
    for (Sublayer& sublayer : copy->sublayers_) {
      for (Branch& branch : sublayer.parts) {
        const std::vector<EditableWeight> weights = branch.part->editable();
        if (std::any_of(weights.begin(), weights.end(),
                        [&](const EditableWeight& weight) { return weight.name == name; }))
          branch.part = branch.part->Edited(name, change);
      }
    }
    return copy;
  }

  LayerCost cost() const override {
    LayerCost cost{.row = 6 * d_model_ * kFloatBytes};
    ForEachBranch([&](const Sublayer&, const Branch& branch) { cost += branch.part->cost(); });
    return cost;
  }

 private:
  // Returns the type in which the readers of a sublayer's input take it. Hooks read float32.
  static at::ScalarType InputType(const Sublayer& sublayer, const LayerHooks& hooks) {
    const Branch& branch = sublayer.parts[0];
    const bool has_others =
        sublayer.parts.size() > 1 || branch.in_scale != 1 || hooks.Act({Site::kMixerIn});
    return has_others ? at::kFloat : branch.part->InputType();
  }
  template <typename Use>
  void ForEachBranch(const Use& use) const {
    for (const Sublayer& sublayer : sublayers_) {
      for (const Branch& branch : sublayer.parts) use(sublayer, branch);
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
