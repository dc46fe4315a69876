#include "mambascope/model/experts.h"

#include <ATen/ATen.h>

#include <string>
#include <utility>

#include "mambascope/model/ops.h"

namespace mambascope {
namespace {

class Experts : public Part {
 public:
  Experts(const ExpertsConfig& config, const ExpertWeights& weights)
      : config_(config), weights_(weights) {}

  at::Tensor Forward(const at::Tensor& y, const Packing& /*packing*/, const Carry& /*from*/,
                     Carry& /*kept*/, const LayerHooks& /*hooks*/) const override {
    const auto [shares, chosen] = Choose(Linear(y, {weights_.router, {}}));
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
  // Returns the shares and the indices of the experts that are chosen by `scores` [row, expert],
  // both [row, per_token].
  std::pair<at::Tensor, at::Tensor> Choose(const at::Tensor& scores) const {
    const int64_t k = config_.per_token;
    if (config_.shares == ExpertsConfig::Shares::kOfChosen) {
      const auto [best, chosen] = scores.topk(k);
      return {at::softmax(best, 1) * config_.share_scale, chosen};
    }
    if (config_.shares == ExpertsConfig::Shares::kOfAll) {
      const auto [best, chosen] = at::softmax(scores, 1).topk(k);
      return {best * config_.share_scale, chosen};
    }
    const at::Tensor all = at::sigmoid(scores),
                     chosen = std::get<1>((all + weights_.choice_bias).topk(k)),
                     best = all.gather(1, chosen);
    return {best / (best.sum(1, /*keepdim=*/true) + 1e-20) * config_.share_scale, chosen};
  }

  at::Tensor Expert(int64_t e, const at::Tensor& y) const {
    const at::Tensor in = Linear(y, {weights_.in[e], {}});
    const auto hidden = [&] {  // [row, width]
      if (!config_.has_gate) return Activate(in, config_.activation);
      const auto parts = in.chunk(2, 1);
      return Activate(parts[0], config_.activation) * parts[1];
    };
    return Linear(hidden(), {weights_.down[e], {}});
  }

  ExpertsConfig config_;
  ExpertWeights weights_;
};

}  // namespace

ExpertWeights ExpertWeights::Load(const ExpertsConfig& config, int64_t d_model, at::Tensor router,
                                  const Weights& w) {
  const int64_t width = config.width, in_width = (config.has_gate ? 2 : 1) * width;
  if (w.Has("down_proj"))
    return {std::move(router),
            w.Matrix(config.has_gate ? "gate_up_proj" : "up_proj",
                     {config.count, in_width, d_model}),
            w.Matrix("down_proj", {config.count, d_model, width})};
  std::vector<at::Tensor> in, down;
  for (int64_t e = 0; e < config.count; ++e) {
    const Weights own = w.Scope(std::to_string(e));
    const at::Tensor up = own.Matrix("up_proj.weight", {width, d_model});
    in.push_back(config.has_gate ? at::cat({own.Matrix("gate_proj.weight", {width, d_model}), up})
                                 : up);
    down.push_back(own.Matrix("down_proj.weight", {d_model, width}));
  }
  return {std::move(router), at::stack(in), at::stack(down)};
}

std::unique_ptr<Part> MakeExperts(const ExpertsConfig& config, const ExpertWeights& weights) {
  return std::make_unique<Experts>(config, weights);
}

}  // namespace mambascope
