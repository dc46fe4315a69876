#include "mambascope/experiments/trace.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "mambascope/error.h"
#include "mambascope/intervene/run.h"
#include "mambascope/intervene/sweep.h"

namespace mambascope {
namespace {

double Finite(double p) {
  if (!std::isfinite(p))
    throw Error("a probability is not a number", "the checkpoint's weights may be damaged or of a type that overflows");
  return p;
}

double Probability(const at::Tensor& logits, int64_t id) { return Finite(logits[-1].softmax(0)[id].item<double>()); }

// The places whose states a traced site has, one per column of the grid.
std::vector<Place> Columns(const Model& model, Site site) {
  if (site == Site::kEmbed) return {{site, kEmbedLayer}};
  std::vector<Place> places;
  for (int l = 0; l < model.layers(); ++l) places.push_back({site, l});
  return places;
}

// Restores the clean run's states of one token in the columns of a window.
Variant Restore(const RunResult& clean, const std::vector<Place>& columns, Span window, int64_t from, int64_t to) {
  Variant variant;
  for (int64_t c = window.begin; c < window.end; ++c) {
    const Place place = columns[static_cast<size_t>(c)];
    variant.push_back(Set{{place.site, place.layer, to}, clean.State(place, 0)[from]});
  }
  return variant;
}

double Mean(const std::vector<double>& values) {
  double sum = 0;
  for (double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

}  // namespace

int DefaultWindow(Site site, int layers) { return site == Site::kResid || site == Site::kEmbed ? 1 : std::max(1, layers * 10 / 64); }

Span WindowAround(int layer, int window, int layers) {
  const int first = layer - window / 2;
  return {std::max(0, first), std::min(layers, first + window)};
}

std::vector<std::optional<int64_t>> AlignTokens(const Prompt& clean, const Prompt& corrupt) {
  std::vector<std::optional<int64_t>> counterpart;
  const Span a = clean.subject_span, b = corrupt.subject_span;
  for (int64_t t = 0; t < static_cast<int64_t>(clean.ids.size()); ++t) {
    const int64_t from_end = t - a.end + b.end;
    const bool exists = t < a.begin ? t < b.begin : from_end >= b.begin && from_end < static_cast<int64_t>(corrupt.ids.size());
    counterpart.push_back(exists ? std::optional(t < a.begin ? t : from_end) : std::nullopt);
  }
  return counterpart;
}

FactTrace TraceFact(const Model& model, const Prompt& clean, const Prompt& corrupt, std::optional<int64_t> answer_id,
                    const TraceOptions& options) {
  for (const Prompt* prompt : {&clean, &corrupt}) {
    if (prompt->subject_span.begin == prompt->subject_span.end)
      throw Error(fmt::format("the prompt '{}' has no subject to trace", prompt->text));
  }
  const std::vector<Place> columns = Columns(model, options.site);
  const auto width = static_cast<int>(columns.size());
  const RunResult clean_run = Run(model, {clean.ids}, {.variants = {}, .keep = columns});
  if (answer_id && (*answer_id < 0 || *answer_id >= model.config().vocab)) {
    throw Error(fmt::format("the answer's token {} is outside the model's vocabulary of {}", *answer_id, model.config().vocab));
  }
  const int64_t answer = answer_id ? *answer_id : clean_run.Logits(0)[-1].argmax().item<int64_t>();
  FactTrace trace{.relation = {},
                  .clean = clean,
                  .corrupt = corrupt,
                  .answer_id = answer,
                  .answer = {},
                  .p_clean = Probability(clean_run.Logits(0), answer),
                  .p_corrupt = Probability(Run(model, {corrupt.ids}).Logits(0), answer),
                  .probs = {}};
  trace.probs.assign(clean.ids.size(), std::vector<std::optional<double>>(columns.size()));
  const std::vector<std::optional<int64_t>> counterpart = AlignTokens(clean, corrupt);
  std::vector<SweepCase> cases;
  std::vector<std::optional<double>*> cells;
  for (size_t t = 0; t < counterpart.size(); ++t) {
    for (int c = 0; c < width && counterpart[t]; ++c) {
      cases.push_back({0, Restore(clean_run, columns, WindowAround(c, options.window, width), static_cast<int64_t>(t), *counterpart[t])});
      cells.push_back(&trace.probs[t][static_cast<size_t>(c)]);
    }
  }
  const at::Tensor last = Sweep(model, {{corrupt.ids}}, cases, {.progress = options.progress});
  const at::Tensor p = AnswerProbabilities(model, last, std::vector<int64_t>(cases.size(), answer)).cpu();
  for (size_t i = 0; i < cells.size(); ++i) *cells[i] = Finite(p[static_cast<int64_t>(i)].item<double>());
  return trace;
}

std::optional<size_t> TraceRow(const Prompt& prompt, int64_t token) {
  const Span s = prompt.subject_span;
  if (token == static_cast<int64_t>(prompt.ids.size()) - 1 && token >= s.end) return 4;
  if (token >= s.end) return 3;
  if (token == s.end - 1) return 2;
  if (token == s.begin) return 0;
  return token > s.begin ? std::optional<size_t>(1) : std::nullopt;
}

TraceAverage Average(const std::vector<FactTrace>& facts) {
  TraceAverage average;
  const size_t layers = facts.empty() || facts[0].probs.empty() ? 0 : facts[0].probs[0].size();
  std::vector<std::vector<double>> ie(kTraceRows.size() * layers), published(ie.size());  // of each fact, per row and layer
  for (const FactTrace& fact : facts) {
    const double effect = fact.p_clean - fact.p_corrupt;
    if (effect < kGuard) {
      ++average.guarded;
      continue;
    }
    for (size_t r = 0; r < kTraceRows.size(); ++r) {
      bool has_row = false;
      for (size_t l = 0; l < layers; ++l) {
        std::vector<double> own;
        for (size_t t = 0; t < fact.probs.size(); ++t) {
          if (TraceRow(fact.clean, static_cast<int64_t>(t)) == r && fact.probs[t][l]) own.push_back(*fact.probs[t][l]);
        }
        if (own.empty()) continue;
        has_row = true;
        ie[r * layers + l].push_back((Mean(own) - fact.p_corrupt) / effect);
        published[r * layers + l].push_back(Mean(own) / effect);
      }
      average.facts_per_row[r] += has_row ? 1 : 0;
    }
  }
  average.ie.assign(kTraceRows.size(), std::vector<std::optional<double>>(layers));
  average.as_published = average.ie;
  for (size_t i = 0; i < ie.size(); ++i) {
    if (ie[i].empty()) continue;
    average.ie[i / layers][i % layers] = Mean(ie[i]);
    average.as_published[i / layers][i % layers] = Mean(published[i]);
  }
  return average;
}

}  // namespace mambascope
