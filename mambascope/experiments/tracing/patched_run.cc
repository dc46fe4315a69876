#include "mambascope/experiments/tracing/patched_run.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include "mambascope/error.h"
#include "mambascope/intervene/sweep.h"
#include "mambascope/plural.h"

namespace mambascope {
namespace {

// The token of the corrupted prompt whose state is replaced.
int64_t Counterpart(const FactPair& pair, int64_t token) {
  const std::vector<std::optional<int64_t>> counterparts =
      AlignTokens(pair.clean, pair.corrupt.value_or(pair.clean));
  const auto tokens = static_cast<int64_t>(counterparts.size());
  if (token < 0 || token >= tokens)
    throw Error(
        fmt::format("there is no token {}: the prompt has {}", token, Count(tokens, "token")),
        "tokens are counted from 0");
  const std::optional<int64_t> to = counterparts[static_cast<size_t>(token)];
  if (!to)
    throw Error(fmt::format("token {} has no counterpart in the corrupted prompt", token),
                "the other subject has fewer tokens: name one with as many");
  return *to;
}

}  // namespace

PatchedRun RunPatched(const Model& model, const FactPair& pair, const std::optional<Noise>& noise,
                      const TracedSite& at, int layer, int64_t token, const SweepOptions& options) {
  c10::NoGradGuard no_grad;
  const int64_t to = Counterpart(pair, token);
  const std::vector<Place> columns = TracedColumns(model, at.site);
  if (layer < 0 || layer >= static_cast<int>(columns.size()) ||
      !model.Has(columns[static_cast<size_t>(layer)]))
    throw Error(fmt::format("layer {} has no {}", layer, SiteName(at.site)));
  const std::vector<Place> places =
      PlacesInWindow(model, columns, at.window, static_cast<size_t>(layer));
  const FactRuns runs = RunFacts(model, {pair}, places, noise, options.memory);
  const auto mean = [&](const Variant& variant) {  // [vocab], over the samples
    std::vector<SweepCase> cases;
    for (size_t sample = 0; sample < runs.samples; ++sample) cases.push_back({sample, variant});
    at::Tensor sum =
        at::zeros({model.config().vocab}, at::TensorOptions(at::kFloat).device(model.device()));
    model.UnembedInParts(
        Sweep(model, runs.corrupt, cases, options),
        [&](int64_t, const at::Tensor& logits) { sum += logits.softmax(1).sum(0); });
    return (sum / static_cast<double>(runs.samples)).cpu();
  };
  return {.clean = runs.clean.LastLogits()[0].softmax(0).cpu(),
          .corrupted = mean({}),
          .patched = mean(RestoreStates(runs, 0, places, token, to))};
}

}  // namespace mambascope
