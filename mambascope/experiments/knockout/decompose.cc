#include "mambascope/experiments/knockout/decompose.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include "mambascope/error.h"
#include "mambascope/experiments/knockout/layer_inputs.h"
#include "mambascope/intervene/run.h"
#include "mambascope/model/kernels/product.h"

namespace mambascope {
namespace {

std::vector<double> ToVector(const at::Tensor& x) {
  const at::Tensor numbers = x.to(at::kCPU, at::kDouble);
  const auto each = numbers.accessor<double, 1>();
  std::vector<double> values;
  for (int64_t i = 0; i < each.size(0); ++i) values.push_back(each[i]);
  return values;
}

}  // namespace

AnswerParts DecomposeAnswer(const Model& model, const std::vector<int64_t>& ids, int64_t answer) {
  const c10::NoGradGuard no_grad;
  if (answer < 0 || answer >= model.config().vocab)
    throw Error(fmt::format("answer id {} is outside the model's vocabulary of {}", answer,
                            model.config().vocab));
  RunOptions options;
  for (int l = 0; l <= model.layers(); ++l) options.keep.push_back(BlockInput(l));
  for (int l : model.LayersWith(Site::kMlpOut)) options.keep.push_back({Site::kMlpOut, l});
  const RunResult run = Run(model, {ids}, options);
  const at::Tensor last = run.State(BlockInput(model.layers()), 0)[-1];
  const Model::LogitPart logit = model.LogitDirection(last, answer);
  const auto share = [&](const at::Tensor& part) {
    return part.dot(logit.direction).item<double>();
  };
  AnswerParts parts;
  parts.logit = model.UncappedLogits(last.unsqueeze(0))[0][answer].item<double>();
  parts.embedding = share(run.State(BlockInput(0), 0)[-1]);
  parts.offset = logit.offset;
  const auto to = static_cast<int64_t>(ids.size()) - 1;
  for (int l = 0; l < model.layers(); ++l) {
    parts.by_token.emplace_back(ids.size());
    parts.skip.push_back(0);
    parts.bias.push_back(0);
    for (const Mixing& mixing :
         model.layer(l).Mix({run.State(BlockInput(l), 0), run.State(BlockInput(0), 0)})) {
      if (!mixing.writes) continue;
      const std::vector<double> by_token =
          ToVector(Product(mixing.Written(to), logit.direction.unsqueeze(1)).squeeze(1));
      for (size_t t = 0; t < by_token.size(); ++t) parts.by_token.back()[t] += by_token[t];
      if (mixing.skip.defined()) parts.skip.back() += share(mixing.WrittenBySkip(to));
      if (mixing.out.bias.defined()) parts.bias.back() += share(mixing.out.bias);
    }
    parts.mlp.push_back(
        model.layer(l).Has(Site::kMlpOut) ? share(run.State({Site::kMlpOut, l}, 0)[-1]) : 0);
  }
  return parts;
}

}  // namespace mambascope
