#include "mambascope/model/experts.h"

#include <ATen/ATen.h>

#include <string>
#include <utility>

#include "mambascope/model/kernels/elementwise.h"
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
  // Returns the shares and the indices of each row's experts, both [row, per_token]. `logits` are
  // the router's, [row, expert].
  std::pair<at::Tensor, at::Tensor> Choose(const at::Tensor& logits) const {
    const at::Tensor scores = config_.scores == ExpertsConfig::Scores::kSigmoid
                                  ? Sigmoid(logits)
                                  : at::softmax(logits, 1);
    const at::Tensor& bias = weights_.choice_bias;
    const at::Tensor chosen =
        std::get<1>((bias.defined() ? scores + bias : scores).topk(config_.per_token));
    at::Tensor shares = scores.gather(1, chosen);
    if (config_.shares_add_to_one)  // sigmoids can all be 0
      shares = shares / (shares.sum(1, /*keepdim=*/true) + 1e-20);
    return {shares * config_.share_scale, chosen};
  }

  at::Tensor Expert(int64_t e, const at::Tensor& y) const {
    const auto in = Linear(y, {weights_.in[e], {}}).chunk(config_.has_gate ? 2 : 1, 1);
    const at::Tensor hidden = Activate(in[0], config_.activation);  // [row, width]
    return Linear(config_.has_gate ? hidden * in[1] : hidden, {weights_.down[e], {}});
  }

  ExpertsConfig config_;
  ExpertWeights weights_;
};

}  // namespace

ExpertWeights ExpertWeights::Load(const ExpertsConfig& config, int64_t d_model, at::Tensor router,
                                  const Weights& w) {
  const int64_t width = config.width;
  if (w.Has("gate_up_proj"))
    return {std::move(router), w.Matrix("gate_up_proj", {config.count, 2 * width, d_model}),
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
