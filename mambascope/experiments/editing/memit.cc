#include "mambascope/experiments/editing/memit.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>

#include "mambascope/error.h"
#include "mambascope/model/threads.h"

namespace mambascope {
namespace {

// Whether the weight's output is added to the block's output without further layers.
bool WritesResidual(const Model& model, int layer, const EditableWeight& weight) {
  return model.layer(layer).IsAddedToOutput(weight.value);
}

// Returns the residuals of the bare prompts at `layer`, [fact, d_model].
at::Tensor Residuals(const Model& model, const std::vector<RewritePrompts>& facts, int layer) {
  const Place place = {Site::kResid, layer};
  std::vector<PromptToken> bare;
  for (const RewritePrompts& fact : facts) bare.push_back(fact.prompts.front());
  return TokenStates(model, bare, {place}).at(place);
}

// Returns K^T [fact, in]. Each key is half the bare prompt's key plus half the mean key of the
// other contexts. Without other contexts, it is the bare prompt's key.
at::Tensor Keys(const Model& model, const std::vector<RewritePrompts>& facts, const Place& place) {
  std::vector<PromptToken> prompts;
  std::vector<int64_t> contexts;
  for (const RewritePrompts& fact : facts) {
    prompts.insert(prompts.end(), fact.prompts.begin(), fact.prompts.end());
    contexts.push_back(static_cast<int64_t>(fact.prompts.size()));
  }
  std::vector<at::Tensor> keys;
  for (const at::Tensor& states :
       TokenStates(model, prompts, {place}).at(place).to(at::kDouble).split_with_sizes(contexts)) {
    const int64_t others = states.size(0) - 1;
    keys.push_back(others == 0 ? states[0] : (states[0] + states.narrow(0, 1, others).mean(0)) / 2);
  }
  return at::stack(keys);
}

// Returns A^T [fact, in] in float64, where A = (lambda C + K K^T)^-1 K and `keys` is K^T. By the
// push-through identity, A^T = (lambda I + K^T C^-1 K)^-1 K^T C^-1. So only C is factored, and
// lambda may be 0.
at::Tensor Spread(const at::Tensor& keys, const MomentSolver& solver, double lambda) {
  const at::Tensor solved = solver.Solve(keys);               // K^T C^-1: [fact, in], on the CPU
  at::Tensor gram = solved.mm(keys.to(solved.device()).t());  // [fact, fact]
  gram = (gram + gram.t()) / 2 + lambda * at::eye(gram.size(0), gram.options());
  const auto [factor, info] = at::linalg_cholesky_ex(gram);
  const at::Tensor pivots = factor.diagonal();
  if (info.item<int>() != 0 || (pivots.min() / pivots.max()).item<double>() < 1e-6)
    throw Error("the keys of the facts to edit are linearly dependent", "use a lambda above 0");
  return at::cholesky_solve(solved, factor);
}

double MeanNorm(const at::Tensor& rows) { return rows.norm(2, {1}).mean().item<double>(); }

// Makes the edit of one layer. `way` is (Z - H)^T / layers left, [fact, out].
MemitLayer EditLayer(const Model& model, const std::vector<RewritePrompts>& facts, const Place& key,
                     const std::string& projection, const at::Tensor& way,
                     const MomentSolver& solver, double lambda) {
  const EditableWeight place = model.editable(key.layer, projection);
  const at::Tensor keys = Keys(model, facts, key);
  const OneThread one_thread;
  const at::Tensor u = Spread(keys, solver, lambda).to(way.device());  // A^T
  const at::Tensor v = place.scale == 1 ? way : way / place.scale;
  MemitLayer result{.edit = {key.layer, projection, u.to(at::kFloat), v.to(at::kFloat)}};
  result.change_norm = v.to(at::kDouble).t().mm(u).norm().item<double>();
  result.weight_norm = place.weight.to(at::kFloat).norm().item<double>();
  return result;
}

}  // namespace

std::vector<Edit> MemitResult::Edits() const {
  std::vector<Edit> edits;
  for (const MemitLayer& layer : layers) edits.push_back(layer.edit);
  return edits;
}

std::string ResidualProjection(const Model& model, int layer) {
  const std::vector<EditableWeight> weights = model.layer(layer).editable();
  const auto last = std::find_if(
      weights.rbegin(), weights.rend(),
      [&](const EditableWeight& weight) { return WritesResidual(model, layer, weight); });
  if (last != weights.rend()) return last->name;
  throw Error(fmt::format("MEMIT cannot edit layer {}: other parts of the model read the output of "
                          "each of its projections, such as a norm",
                          layer),
              "use --method rome");
}

double DefaultLambda(const Model& model, int layer, const std::string& projection) {
  return static_cast<double>(model.editable(layer, projection).weight.size(1)) / 4;
}

void CheckMemit(const Model& model, const std::set<int>& layers, const std::string& projection) {
  for (const int layer : layers) {
    if (WritesResidual(model, layer, model.editable(layer, projection))) continue;
    throw Error(
        fmt::format(
            "MEMIT cannot edit {}: another part of the layer reads its output, such as an MLP",
            projection),
        fmt::format("edit {}, or use ROME", ResidualProjection(model, layer)));
  }
}

std::vector<FoundValue> SearchResiduals(const Model& model,
                                        const std::vector<RewritePrompts>& facts, int last,
                                        const ValueOptions& options) {
  const at::Tensor h = Residuals(model, facts, last);  // [fact, d_model]
  std::vector<ValueTask> searches;
  for (size_t i = 0; i < facts.size(); ++i)
    searches.push_back({&facts[i], {Site::kResid, last}, h[static_cast<int64_t>(i)]});
  return SearchValues(model, searches, options);
}

MemitResult Memit(const Model& model, const std::vector<RewritePrompts>& facts,
                  const std::set<int>& layers, const std::string& projection,
                  const Solvers& solvers, const MemitOptions& options) {
  CheckMemit(model, layers, projection);
  return Memit(model, facts, SearchResiduals(model, facts, *layers.rbegin(), options.value), layers,
               projection, solvers, options.lambda);
}

MemitResult Memit(const Model& model, const std::vector<RewritePrompts>& facts,
                  std::vector<FoundValue> values, const std::set<int>& layers,
                  const std::string& projection, const Solvers& solvers,
                  std::optional<double> lambda) {
  CheckMemit(model, layers, projection);
  c10::NoGradGuard no_grad;
  const int last = *layers.rbegin();
  MemitResult result{.values = std::move(values), .layers = {}};
  result.lambda = lambda.value_or(DefaultLambda(model, last, projection));
  std::vector<at::Tensor> deltas;
  for (const FoundValue& value : result.values) deltas.push_back(value.delta);
  at::Tensor h = Residuals(model, facts, last);  // [fact, d_model]
  const at::Tensor z = h + at::stack(deltas);    // [fact, d_model]
  result.distance = MeanNorm(z - h);
  Model edited = model;
  for (auto left = static_cast<double>(layers.size()); int layer : layers) {
    const Place key = KeyPlace(model, layer, projection);
    result.layers.push_back(
        EditLayer(edited, facts, key, projection, (z - h) / left--, solvers(key), result.lambda));
    edited = edited.Edited({result.layers.back().edit});
    h = Residuals(edited, facts, last);
    result.layers.back().distance = MeanNorm(z - h);
  }
  return result;
}

}  // namespace mambascope
