#include "mambascope/experiments/tracing/trace_average.h"

#include <algorithm>
#include <functional>

#include "mambascope/experiments/statistics.h"

namespace mambascope {
namespace {

// A fact's number at a row of tokens and a layer; none where the fact has none.
using FactValue = std::function<std::optional<double>(size_t fact, size_t row, size_t layer)>;

// Returns a grid's values averaged over a row's tokens.
std::optional<double> RowMean(const TracedFact& fact, const TraceGrid& grid, size_t row,
                              size_t layer) {
  std::vector<double> own;
  const auto tokens = static_cast<int64_t>(grid.size());
  for (int64_t t = 0; t < tokens; ++t) {
    const std::optional<double>& p = grid[static_cast<size_t>(t)][layer];
    if (p && TraceRow(fact.clean.subject_span, tokens, t) == row) own.push_back(*p);
  }
  return own.empty() ? std::nullopt : std::optional(Mean(own));
}

// Returns (p - floor) / (p_clean - p_corrupt) for a row's mean p.
std::optional<double> RowEffect(const FactTrace& trace, TraceGrid FactTrace::*grid, size_t row,
                                size_t layer, double floor) {
  const std::optional<double> p = RowMean(trace.fact, trace.*grid, row, layer);
  return p ? std::optional((*p - floor) / Effect(trace.fact)) : std::nullopt;
}

std::optional<double> MeanIfAny(const std::vector<double>& values) {
  return values.empty() ? std::nullopt : std::optional(Mean(values));
}

// Averages `ie` and `published` (if there is one) over the facts that have a scale.
TraceAverage AverageEffects(const std::vector<FactTrace>& facts, Metric metric, const FactValue& ie,
                            const FactValue& published) {
  TraceAverage average;
  const size_t layers = facts.empty() || facts[0].probs.empty() ? 0 : facts[0].probs[0].size();
  const auto values = [&](const FactValue& value, size_t row, size_t layer) {
    std::vector<double> result;
    for (size_t i = 0; i < facts.size(); ++i) {
      const auto v = ScaleOf(facts[i].fact, metric) ? value(i, row, layer) : std::nullopt;
      if (v) result.push_back(*v);
    }
    return result;
  };
  for (const FactTrace& fact : facts) average.guarded += ScaleOf(fact.fact, metric) ? 0 : 1;
  for (size_t row = 0; row < kTraceRows.size(); ++row) {
    average.ie.emplace_back(layers);
    if (published) average.as_published.emplace_back(layers);
    average.ci95.emplace_back(layers);
    for (size_t layer = 0; layer < layers; ++layer) {
      const std::vector<double> effects = values(ie, row, layer);
      average.ie[row][layer] = MeanIfAny(effects);
      average.ci95[row][layer] = Interval95(effects);
      if (published) average.as_published[row][layer] = MeanIfAny(values(published, row, layer));
      average.facts_per_row[row] =
          std::max(average.facts_per_row[row], static_cast<int64_t>(effects.size()));
    }
  }
  return average;
}

}  // namespace

std::optional<size_t> TraceRow(Span subject, int64_t tokens, int64_t token) {
  if (token == tokens - 1 && token >= subject.end) return 4;
  if (token >= subject.end) return 3;
  if (token == subject.end - 1) return 2;
  if (token == subject.begin) return 0;
  return token > subject.begin ? std::optional<size_t>(1) : std::nullopt;
}

TraceAverage AverageTraces(const std::vector<FactTrace>& facts, TraceGrid FactTrace::*grid) {
  return AverageEffects(
      facts, Metric::kProbability,
      [&](size_t i, size_t row, size_t layer) {
        return RowEffect(facts[i], grid, row, layer, facts[i].fact.p_corrupt);
      },
      [&](size_t i, size_t row, size_t layer) { return RowEffect(facts[i], grid, row, layer, 0); });
}

TraceAverage AverageLogitDiffs(const std::vector<FactTrace>& facts) {
  return AverageEffects(
      facts, Metric::kLogitDiff,
      [&](size_t i, size_t row, size_t layer) {
        const std::optional<double> difference =
            RowMean(facts[i].fact, facts[i].logit_diff, row, layer);
        const std::optional<EffectScale> scale = ScaleOf(facts[i].fact, Metric::kLogitDiff);
        return difference && scale ? std::optional((*scale)(*difference)) : std::nullopt;
      },
      {});
}

TraceAverage IsolateOutputProjection(const std::vector<FactTrace>& facts) {
  const auto difference = [&](size_t i, size_t row, size_t layer,
                              double floor) -> std::optional<double> {
    const auto effect = [&](TraceGrid FactTrace::*grid) {
      return RowEffect(facts[i], grid, row, layer, floor);
    };
    const auto o = effect(&FactTrace::probs), s = effect(&FactTrace::ssm_out),
               g = effect(&FactTrace::gate);
    return o && s && g ? std::optional(*o - *s - *g) : std::nullopt;
  };
  return AverageEffects(
      facts, Metric::kProbability,
      [&](size_t i, size_t row, size_t layer) {
        return difference(i, row, layer, facts[i].fact.p_corrupt);
      },
      [&](size_t i, size_t row, size_t layer) { return difference(i, row, layer, 0); });
}

}  // namespace mambascope
