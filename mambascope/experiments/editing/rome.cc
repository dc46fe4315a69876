#include "mambascope/experiments/editing/rome.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <cmath>

#include "mambascope/error.h"
#include "mambascope/model/threads.h"

namespace mambascope {
namespace {

// Returns the keys and values of all tasks' prompts, place -> [prompt, width]. Sets `first` to the
// index of each rewrite's first prompt.
std::map<Place, at::Tensor> KeysAndValues(const Model& model, const std::vector<RomeTask>& tasks,
                                          std::map<const RewritePrompts*, int64_t>& first) {
  std::vector<PromptToken> prompts;
  std::set<Place> places;
  for (const RomeTask& task : tasks) {
    const EditableWeight weight = model.editable(task.layer, task.projection);
    places.insert({{weight.key, task.layer}, {weight.value, task.layer}});
    if (first.emplace(task.rewrite, prompts.size()).second)
      prompts.insert(prompts.end(), task.rewrite->prompts.begin(), task.rewrite->prompts.end());
  }
  return TokenStates(model, prompts, places);
}

// Makes the edit of one task from the keys [context, in] and values [context, out] of its contexts.
// The bare prompt is the first context.
RomeEdit MakeEdit(const RomeTask& task, const EditableWeight& place, const at::Tensor& keys,
                  const at::Tensor& values, FoundValue found, const MomentSolver& solver,
                  RomeOptions::Division division) {
  const OneThread one_thread;
  const at::Tensor mean = keys.mean(0, /*keepdim=*/true);            // [1, in]
  at::Tensor u = solver.Solve(mean).to(keys.device(), at::kDouble);  // [1, in]
  u = u / u.norm();
  const bool bare = division == RomeOptions::Division::kBare;
  const at::Tensor k0 = (bare ? keys.narrow(0, 0, 1) : mean).to(at::kDouble);  // [1, in]
  const at::Tensor now =
      bare ? values.narrow(0, 0, 1) : values.mean(0, /*keepdim=*/true);  // [1, out]
  const double along = (k0 * u).sum().item<double>();
  if (std::abs(along) < 1e-6 * k0.norm().item<double>())
    throw Error(
        fmt::format("{} at layer {} cannot be edited: its key has almost no component along C^-1 k",
                    task.projection, task.layer),
        "use more text for the moments, or --ridge");
  const at::Tensor v = (values.narrow(0, 0, 1) + found.delta.unsqueeze(0) - now) /
                       (along * place.scale);  // v* - W k0
  RomeEdit result{.edit = {task.layer, task.projection, u.to(at::kFloat), v.to(at::kFloat)},
                  .value = std::move(found)};
  result.v0_norm = values[0].norm().item<double>();
  result.change_norm = v.norm().item<double>();
  result.weight_norm = place.weight.norm().item<double>();
  return result;
}

}  // namespace

Place KeyPlace(const Model& model, int layer, const std::string& projection) {
  return {model.editable(layer, projection).key, layer};
}

std::vector<RomeEdit> Rome(const Model& model, const std::vector<RomeTask>& tasks,
                           const Solvers& solvers, const RomeOptions& options,
                           const WhenMade& when_made) {
  std::map<const RewritePrompts*, int64_t> first;
  const std::map<Place, at::Tensor> states = KeysAndValues(model, tasks, first);
  const auto at = [&](const RomeTask& task, Site site) {
    return states.at({site, task.layer})
        .narrow(0, first.at(task.rewrite), static_cast<int64_t>(task.rewrite->prompts.size()));
  };
  std::vector<ValueTask> searches;
  for (const RomeTask& task : tasks) {
    const Site value = model.editable(task.layer, task.projection).value;
    searches.push_back({task.rewrite, {value, task.layer}, at(task, value)[0]});
  }
  std::vector<RomeEdit> edits;
  const auto make = [&](const RomeTask& task, const FoundValue& found) {
    c10::NoGradGuard no_grad;
    const EditableWeight weight = model.editable(task.layer, task.projection);
    edits.push_back(MakeEdit(task, weight, at(task, weight.key), at(task, weight.value), found,
                             solvers({weight.key, task.layer}), options.division));
  };
  SearchValues(model, searches, options.value,
               [&](size_t begin, std::span<const FoundValue> found) {
                 for (size_t i = 0; i < found.size(); ++i) make(tasks[begin + i], found[i]);
                 if (when_made) when_made(begin, std::span(edits).subspan(begin));
               });
  return edits;
}

}  // namespace mambascope
