#include "mambascope/experiments/knockout/decompose.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>

#include "mambascope/error.h"
#include "mambascope/experiments/knockout/layer_inputs.h"
#include "mambascope/intervene/run.h"

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
    throw Error(fmt::format("answer id {} is outside the model's vocabulary of {}", answer, model.config().vocab));
  const std::vector<SiteInfo> sites = model.sites();
  const bool has_mlp = std::any_of(sites.begin(), sites.end(), [](const SiteInfo& info) { return info.site == Site::kMlpOut; });
  RunOptions options;
  for (int l = 0; l <= model.layers(); ++l) options.keep.push_back(InputOf(l));
  for (int l = 0; l < model.layers() && has_mlp; ++l) options.keep.push_back({Site::kMlpOut, l});
  const RunResult run = Run(model, {ids}, options);
  const at::Tensor last = run.State(InputOf(model.layers()), 0)[-1];
  const Model::LogitPart logit = model.LogitDirection(last, answer);
  const auto share = [&](const at::Tensor& part) { return part.dot(logit.direction).item<double>(); };
  AnswerParts parts;
  parts.logit = model.Unembed(last.unsqueeze(0))[0][answer].item<double>();
  parts.embedding = share(run.State(InputOf(0), 0)[-1]);
  parts.offset = logit.offset;
  const auto to = static_cast<int64_t>(ids.size()) - 1;
  for (int l = 0; l < model.layers(); ++l) {
    const Mixing mixing = model.layer(l).Mix(run.State(InputOf(l), 0));
    parts.by_token.push_back(ToVector(mixing.Written(to).mv(logit.direction)));
    parts.skip.push_back(mixing.skip.defined() ? share(mixing.WrittenBySkip(to)) : 0);
    parts.bias.push_back(mixing.out.bias.defined() ? share(mixing.out.bias) : 0);
    parts.mlp.push_back(has_mlp ? share(run.State({Site::kMlpOut, l}, 0)[-1]) : 0);
  }
  return parts;
}

}  // namespace mambascope
