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

// Returns the output of the mixers of this kind, in all layers that have one. Beside a mixer of
// another kind it has a site of its own.
std::vector<Place> OutputsOf(const Model& model, MixerKind kind) {
  const Site beside = kind == MixerKind::kScan ? Site::kMambaOut : Site::kAttnOut;
  std::vector<Place> places;
  for (int l : model.LayersWith(kind))
    places.push_back({model.layer(l).Has(beside) ? beside : Site::kMixerOut, l});
  return places;
}

// Returns the places that a condition holds.
std::vector<Place> SeveredPlaces(const Model& model, const std::string& condition) {
  if (condition == kPathConditions[0]) return {};
  if (condition == "mamba_out") return OutputsOf(model, MixerKind::kScan);
  if (condition == "attn_out") return OutputsOf(model, MixerKind::kAttention);
  const Site site = ReadSite(condition);
  std::vector<Place> places;
  for (int l : model.LayersWith(site)) places.push_back({site, l});
  return places;
}

// Restores the residual `value` of `layer` at `token`, and holds the severed places above it there.
Variant Sever(const std::vector<Place>& severed, int layer, int64_t token,
              const StateValue& value) {
  Variant variant = {Set{{Site::kResid, layer, token}, value}};
  for (const Place& place : severed) {
    if (place.layer > layer)
      variant.push_back(Hold{{place.site, place.layer, token}});  // below, both runs are equal
  }
  return variant;
}

}  // namespace

std::vector<std::string> PathConditions(const Model& model) {
  std::vector<std::string> conditions = {kPathConditions[0]};
  for (Site site : {Site::kSsmOut, Site::kGate, Site::kMixerOut}) {
    if (!model.LayersWith(site).empty()) conditions.emplace_back(SiteName(site));
  }
  const bool is_hybrid = !model.LayersWith(MixerKind::kScan).empty() &&
                         !model.LayersWith(MixerKind::kAttention).empty();
  // In Zamba2 the Mamba mixers' output is mixer_out of all layers.
  if (is_hybrid && SeveredPlaces(model, "mamba_out") != SeveredPlaces(model, "mixer_out"))
    conditions.emplace_back("mamba_out");
  if (is_hybrid) conditions.emplace_back("attn_out");
  if (!model.LayersWith(Site::kMlpOut).empty()) conditions.emplace_back(SiteName(Site::kMlpOut));
  return conditions;
}

std::vector<FactPaths> TracePathsFrom(const Model& model, const std::vector<FactPair>& pairs,
                                      const std::vector<PathTask>& tasks,
                                      const PathOptions& options, Audit& audit) {
  if (tasks.empty()) return {};
  c10::NoGradGuard no_grad;
  std::vector<Place> residuals;
  for (int l = 0; l < model.layers(); ++l) residuals.push_back({Site::kResid, l});
  const FactRuns runs =
      RunFacts(model, pairs, residuals, options.noise, options.cells.sweep.memory);
  const std::vector<std::string> conditions = PathConditions(model);
  FactCases cases(runs);
  std::vector<size_t> corrupt, first(tasks.size());  // cases: of [fact], and the first of [task]
  for (size_t fact = 0; fact < pairs.size(); ++fact) {
    corrupt.push_back(cases.Add(fact, {}));
    for (size_t task = 0; task < tasks.size(); ++task) {
      if (tasks[task].pair != fact) continue;
      const TracedFact& f = runs.facts[fact];
      const int64_t from = PathPosition(f.clean, tasks[task].at),
                    to = PathPosition(f.corrupt.value_or(f.clean), tasks[task].at);
      first[task] = cases.size();
      for (const std::string& condition : conditions) {
        const std::vector<Place> severed = SeveredPlaces(model, condition);
        for (const Place& place : residuals)
          cases.Add(fact, Sever(severed, place.layer, to, runs.clean.Value(place, fact, from)));
      }
    }
  }
  const std::vector<VariantMeans> means = cases.Compute(model, options.cells, audit);
  std::vector<FactPaths> paths;
  for (size_t task = 0; task < tasks.size(); ++task) {
    const VariantMeans& corrupted = means[corrupt[tasks[task].pair]];
    FactPaths path{.fact = runs.facts[tasks[task].pair], .conditions = conditions, .probs = {}};
    path.fact.p_corrupt = corrupted.p;
    path.fact.logit_diff_corrupt = corrupted.logit_diff;
    path.probs.resize(conditions.size());
    if (path.fact.other_answer_id) path.logit_diff.resize(conditions.size());
    size_t next = first[task];
    for (size_t c = 0; c < conditions.size(); ++c) {
      for (int l = 0; l < model.layers(); ++l, ++next) {
        path.probs[c].push_back(means[next].p);
        if (path.fact.other_answer_id) path.logit_diff[c].push_back(*means[next].logit_diff);
      }
    }
    paths.push_back(std::move(path));
  }
  return paths;
}

std::vector<FactPaths> TracePaths(const Model& model, const std::vector<FactPair>& pairs,
                                  const PathOptions& options, Audit& audit) {
  std::vector<PathTask> tasks;
  for (size_t i = 0; i < pairs.size(); ++i) tasks.push_back({i, options.at});
  return TracePathsFrom(model, pairs, tasks, options, audit);
}

PathAverage AveragePaths(const std::vector<FactPaths>& facts, Metric metric) {
  PathAverage average;
  const size_t conditions = facts.empty() ? 0 : facts[0].probs.size(),
               layers = conditions == 0 ? 0 : facts[0].probs[0].size();
  for (const FactPaths& fact : facts)
    ++(ScaleOf(fact.fact, metric) ? average.facts : average.guarded);
  for (size_t c = 0; c < conditions; ++c) {
    average.ie.emplace_back(layers);
    average.ci95.emplace_back(layers);
    for (size_t l = 0; l < layers; ++l) {
      std::vector<double> effects;
      for (const FactPaths& fact : facts) {
        const auto& values = metric == Metric::kProbability ? fact.probs : fact.logit_diff;
        if (const auto scale = ScaleOf(fact.fact, metric))
          effects.push_back((*scale)(values[c][l]));
      }
      if (!effects.empty()) average.ie[c][l] = Mean(effects);
      average.ci95[c][l] = Interval95(effects);
    }
  }
  return average;
}

}  // namespace mambascope
