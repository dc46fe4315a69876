// A small hybrid model, whose layers differ. It is built from tiny checkpoints of one width.
#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/model/kernels/product.h"
#include "mambascope/model/model.h"

namespace mambascope {

// Another block's mixer followed by an MLP, which reads the residual stream after the mixer:
//   m = h + o        h' = m + W_down relu(W_up m)
class BlockWithMlp : public Layer {
 public:
  BlockWithMlp(std::shared_ptr<const Layer> block, at::Tensor w_up, at::Tensor w_down)
      : block_(std::move(block)), w_up_(std::move(w_up)), w_down_(std::move(w_down)) {}

  at::Tensor Forward(const at::Tensor& h, const Packing& packing, const Carry& from, Carry& kept,
                     const LayerHooks& hooks) const override {
    InBlock in_block(hooks);
    const at::Tensor m = block_->Forward(h, packing, from, kept, {in_block, 0});  // [row, d_model]
    const at::Tensor mid = hooks(Site::kMlpMid, at::relu(Product(m, w_up_.t())));
    return hooks(Site::kResid, m + hooks(Site::kMlpOut, Product(mid, w_down_.t())));
  }
  std::vector<SiteInfo> sites() const override {
    std::vector<SiteInfo> sites = block_->sites();
    const SiteInfo resid = sites.back();
    sites.back() = {Site::kMlpMid, w_up_.size(0)};
    sites.push_back({Site::kMlpOut, resid.width});
    sites.push_back(resid);
    return sites;
  }
  bool IsAddedToOutput(Site site) const override {
    return site == Site::kMlpOut || site == Site::kResid;
  }
  std::vector<Mixer> mixers() const override { return block_->mixers(); }
  std::vector<EditableWeight> editable() const override {
    std::vector<EditableWeight> weights = block_->editable();
    weights.push_back({"W_down", w_down_, Site::kMlpMid, Site::kMlpOut, "0.w_down"});
    return weights;
  }
  LayerCost cost() const override {
    LayerCost cost = block_->cost();
    cost.row += 2 * w_up_.size(0) * static_cast<int64_t>(sizeof(float));
    return cost;
  }
  std::unique_ptr<Layer> Edited(const std::string& name, const at::Tensor& change) const override {
    if (name == "W_down") return std::make_unique<BlockWithMlp>(block_, w_up_, w_down_ + change);
    return std::make_unique<BlockWithMlp>(block_->Edited(name, change), w_up_, w_down_);
  }
  std::vector<Mixing> Mix(const LayerInput& input) const override { return block_->Mix(input); }

 private:
  // Hides the inner block's output from the hooks, since it is not a state of this block.
  class InBlock : public Hooks {
   public:
    explicit InBlock(const LayerHooks& hooks) : hooks_(hooks) {}
    at::Tensor At(const Place& place, const at::Tensor& x) override {
      return place.site == Site::kResid ? x : hooks_(place.site, x);
    }
    std::vector<RowCut> Cuts(int) override { return hooks_.Cuts(); }

   private:
    const LayerHooks& hooks_;
  };

  std::shared_ptr<const Layer> block_;
  at::Tensor w_up_, w_down_;  // [width, d_model], [d_model, width]
};

// A block with only an MLP: h' = h + W_down relu(W_up h).
class MlpBlock : public Layer {
 public:
  MlpBlock(at::Tensor w_up, at::Tensor w_down)
      : w_up_(std::move(w_up)), w_down_(std::move(w_down)) {}

  at::Tensor Forward(const at::Tensor& h, const Packing&, const Carry&, Carry&,
                     const LayerHooks& hooks) const override {
    const at::Tensor mid = hooks(Site::kMlpMid, at::relu(Product(h, w_up_.t())));
    return hooks(Site::kResid, h + hooks(Site::kMlpOut, Product(mid, w_down_.t())));
  }
  std::vector<SiteInfo> sites() const override {
    return {{Site::kMlpMid, w_up_.size(0)},
            {Site::kMlpOut, w_down_.size(0)},
            {Site::kResid, w_down_.size(0)}};
  }
  bool IsAddedToOutput(Site site) const override {
    return site == Site::kMlpOut || site == Site::kResid;
  }
  std::vector<Mixer> mixers() const override { return {}; }
  std::vector<EditableWeight> editable() const override {
    return {{"W_down", w_down_, Site::kMlpMid, Site::kMlpOut, "3.w_down"}};
  }
  LayerCost cost() const override {
    return {.row = (6 * w_down_.size(0) + 2 * w_up_.size(0)) * static_cast<int64_t>(sizeof(float))};
  }
  std::unique_ptr<Layer> Edited(const std::string& /*name*/,
                                const at::Tensor& change) const override {
    return std::make_unique<MlpBlock>(w_up_, w_down_ + change);
  }
  std::vector<Mixing> Mix(const LayerInput&) const override { return {}; }

 private:
  at::Tensor w_up_, w_down_;  // [width, d_model], [d_model, width]
};

// Layer 0: Mamba-1 with an MLP. 1: Llama. 2: Mamba-2. 3: only an MLP. 4: Mamba-1.
inline Model MixedModel(at::Device device = at::kCPU) {
  const auto load = [&](const char* name) {
    return Model::Load(GoldenFolder() / name, {.device = device});
  };
  const Model mamba = load("mamba"), mamba2 = load("mamba2"), llama = load("llama");
  const int64_t d = mamba.config().d_model;
  at::manual_seed(12);
  const auto weight = [&](int64_t out, int64_t in) {
    return (at::randn({out, in}) * 0.15).to(device);
  };
  return mamba.WithLayers(
      {std::make_shared<BlockWithMlp>(mamba.shared_layer(0), weight(40, d), weight(d, 40)),
       llama.shared_layer(1), mamba2.shared_layer(2),
       std::make_shared<MlpBlock>(weight(56, d), weight(d, 56)), mamba.shared_layer(3)});
}

// The names of the tiny checkpoints, and "mixed" for MixedModel.
inline std::vector<std::string> TinyModels() {
  std::vector<std::string> names = TinyCheckpoints();
  names.emplace_back("mixed");
  return names;
}
inline Model LoadTinyModel(const std::string& name, at::Device device = at::kCPU) {
  return name == "mixed" ? MixedModel(device)
                         : Model::Load(GoldenFolder() / name, {.device = device});
}

}  // namespace mambascope
