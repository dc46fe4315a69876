#include "mambascope/model/experts.h"

#include <ATen/ATen.h>

#include "mambascope/model/ops.h"

namespace mambascope {
namespace {

class Experts : public Part {
 public:
  Experts(const ExpertsConfig& config, const ExpertWeights& weights)
      : config_(config), weights_(weights) {}

  at::Tensor Forward(const at::Tensor& y, const Packing& /*packing*/, const Carry& /*from*/,
                     Carry& /*kept*/, const LayerHooks& /*hooks*/) const override {
    at::Tensor scores = Linear(y, {weights_.router, {}});  // [row, expert]
    if (!config_.shares_add_to_one) scores = at::softmax(scores, 1);
    const auto [best, chosen] = scores.topk(config_.per_token);  // [row, per_token]
    const at::Tensor shares = config_.shares_add_to_one ? at::softmax(best, 1) : best;
    at::Tensor out = at::zeros_like(y);
    for (int64_t e = 0; e < config_.count; ++e) {
      const auto places = (chosen == e).nonzero_numpy();  // rows, and which of their choices e is
      if (places[0].numel() == 0) continue;
      const at::Tensor share = shares.index({places[0], places[1]}).unsqueeze(1);
      out = out.index_add(0, places[0], Expert(e, y.index_select(0, places[0])) * share);
    }
    return out;
  }

  std::vector<SiteInfo> sites() const override { return {}; }
  LayerCost cost() const override {
    return {.row = 4 * (config_.width * config_.per_token + config_.count) * kFloatBytes};
  }

 private:
  at::Tensor Expert(int64_t e, const at::Tensor& y) const {
    const auto parts = Linear(y, {weights_.gate_up[e], {}}).chunk(2, 1);  // [row, width] each
    return Linear(at::silu(parts[0]) * parts[1], {weights_.down[e], {}});
  }

  ExpertsConfig config_;
  ExpertWeights weights_;
};

}  // namespace

std::unique_ptr<Part> MakeExperts(const ExpertsConfig& config, const ExpertWeights& weights) {
  return std::make_unique<Experts>(config, weights);
}

}  // namespace mambascope
