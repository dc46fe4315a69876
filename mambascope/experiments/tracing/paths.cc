#include "mambascope/experiments/tracing/paths.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "mambascope/experiments/statistics.h"

namespace mambascope {
namespace {

int64_t PathPosition(const Prompt& prompt, PathToken at) {
  return (at == PathToken::kSubjectLast ? prompt.subject_span.end
                                        : static_cast<int64_t>(prompt.ids.size())) -
         1;
}

// Restores the residual `value` of `layer` at `token`, and holds the severed site there.
Variant Sever(const Model& model, const std::string& condition, int layer, int64_t token,
              const at::Tensor& value) {
  Variant variant = {Set{{Site::kResid, layer, token}, value}};
  if (condition == kPathConditions[0]) return variant;
  const Site site = ParseSite(condition, model.sites());
  for (int l : model.LayersWith(site)) {
    if (l > layer) variant.push_back(Hold{{site, l, token}});  // below, both runs are equal
  }
  return variant;
}

}  // namespace

std::vector<std::string> PathConditions(const Model& model) {
  std::vector<std::string> conditions = {kPathConditions[0]};
  for (Site site : {Site::kSsmOut, Site::kGate, Site::kMixerOut, Site::kMlpOut}) {
    if (!model.LayersWith(site).empty()) conditions.emplace_back(SiteName(site));
  }
  return conditions;
}

std::vector<FactPaths> TracePaths(const Model& model, const std::vector<FactPair>& pairs,
                                  const PathOptions& options, Audit& audit) {
  if (pairs.empty()) return {};
  c10::NoGradGuard no_grad;
  std::vector<Place> residuals;
  for (int l = 0; l < model.layers(); ++l) residuals.push_back({Site::kResid, l});
  const FactRuns runs = RunFacts(model, pairs, residuals, options.noise);
  const std::vector<std::string> conditions = PathConditions(model);
  FactCases cases(runs);
  for (size_t i = 0; i < pairs.size(); ++i) {
    const TracedFact& fact = runs.facts[i];
    const int64_t from = PathPosition(fact.clean, options.at),
                  to = PathPosition(fact.corrupt.value_or(fact.clean), options.at);
    cases.Add(i, {});  // p_corrupt
    for (const std::string& condition : conditions) {
      for (const Place& place : residuals)
        cases.Add(i, Sever(model, condition, place.layer, to, runs.clean.State(place, i)[from]));
    }
  }
  const std::vector<double> p = cases.Probabilities(model, options.cells, audit);
  std::vector<FactPaths> paths;
  auto next = p.begin();
  for (const TracedFact& fact : runs.facts) {
    FactPaths path{.fact = fact, .conditions = conditions, .probs = {}};
    path.fact.p_corrupt = *next++;
    for (size_t c = 0; c < conditions.size(); ++c, next += model.layers())
      path.probs.emplace_back(next, next + model.layers());
    paths.push_back(std::move(path));
  }
  return paths;
}

PathAverage AveragePaths(const std::vector<FactPaths>& facts) {
  PathAverage average;
  const size_t conditions = facts.empty() ? 0 : facts[0].probs.size(),
               layers = conditions == 0 ? 0 : facts[0].probs[0].size();
  for (const FactPaths& fact : facts)
    ++(Effect(fact.fact) < kGuard ? average.guarded : average.facts);
  for (size_t c = 0; c < conditions; ++c) {
    average.ie.emplace_back(layers);
    average.ci95.emplace_back(layers);
    for (size_t l = 0; l < layers; ++l) {
      std::vector<double> effects;
      for (const FactPaths& fact : facts) {
        if (Effect(fact.fact) >= kGuard)
          effects.push_back((fact.probs[c][l] - fact.fact.p_corrupt) / Effect(fact.fact));
      }
      if (!effects.empty()) average.ie[c][l] = Mean(effects);
      average.ci95[c][l] = Interval95(effects);
    }
  }
  return average;
}

}  // namespace mambascope
