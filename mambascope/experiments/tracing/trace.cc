#include "mambascope/experiments/tracing/trace.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

namespace mambascope {
namespace {

// Returns the places of a traced site, one per column of the grid. A layer may lack the site.
std::vector<Place> Columns(const Model& model, Site site) {
  if (site == Site::kEmbed) return {{site, kEmbedLayer}};
  std::vector<Place> places;
  for (int l = 0; l < model.layers(); ++l) places.push_back({site, l});
  return places;
}

// Returns how many tokens the two prompts share at their start. Their states are the same in both
// runs.
int64_t SharedPrefix(const TracedFact& fact) {
  if (!fact.corrupt) return fact.clean.subject_span.begin;
  const auto &a = fact.clean.ids, &b = fact.corrupt->ids;
  return std::mismatch(a.begin(), a.begin() + static_cast<int64_t>(std::min(a.size(), b.size())),
                       b.begin())
             .first -
         a.begin();
}

// The cells of some facts, as cases of one sweep.
class Cells {
 public:
  Cells(const Model& model, const FactRuns& runs, const TraceOptions& options)
      : model_(model),
        runs_(runs),
        columns_(Columns(model, options.site)),
        window_(options.window),
        cases_(runs) {
    for (size_t fact = 0; fact < runs.facts.size(); ++fact) AddFact(fact);
  }

  // Returns the facts' traces, with p_corrupt and probs set.
  std::vector<FactTrace> Compute(const CellOptions& options, Audit& audit) {
    const std::vector<double> p = cases_.Probabilities(model_, options, audit);
    std::vector<FactTrace> traces;
    size_t next = 0;
    for (size_t i = 0; i < runs_.facts.size(); ++i) {
      FactTrace trace{.fact = runs_.facts[i], .probs = {}};
      trace.fact.p_corrupt = p[next++];
      for (const std::vector<Cell>& row : grids_[i]) {
        std::vector<std::optional<double>> probs;
        for (Cell cell : row) {
          if (cell == Cell::kAbsent) probs.emplace_back();
          else probs.emplace_back(cell == Cell::kUnmoved ? trace.fact.p_corrupt : p[next++]);
        }
        trace.probs.push_back(std::move(probs));
      }
      traces.push_back(std::move(trace));
    }
    return traces;
  }

 private:
  enum class Cell { kAbsent, kUnmoved, kComputed };

  void AddFact(size_t fact) {
    const TracedFact& f = runs_.facts[fact];
    const std::vector<std::optional<int64_t>> counterpart =
        AlignTokens(f.clean, f.corrupt.value_or(f.clean));
    const int64_t shared = SharedPrefix(f);
    std::vector<std::vector<Cell>> grid;
    cases_.Add(fact, {});  // p_corrupt
    for (int64_t t = 0; t < static_cast<int64_t>(counterpart.size()); ++t) {
      const std::optional<int64_t> to = counterpart[static_cast<size_t>(t)];
      const Cell cell = !to                      ? Cell::kAbsent
                        : t < shared && *to == t ? Cell::kUnmoved
                                                 : Cell::kComputed;
      grid.emplace_back();
      for (int c = 0; c < static_cast<int>(columns_.size()); ++c) {
        grid.back().push_back(model_.Has(columns_[static_cast<size_t>(c)]) ? cell : Cell::kAbsent);
        if (grid.back().back() == Cell::kComputed) cases_.Add(fact, Restore(fact, c, t, *to));
      }
    }
    grids_.push_back(std::move(grid));
  }

  // Returns a variant that sets the clean run's states of token `from` at token `to`, in the
  // columns around `column`.
  Variant Restore(size_t fact, int column, int64_t from, int64_t to) const {
    const Span window = WindowAround(column, window_, static_cast<int>(columns_.size()));
    Variant variant;
    for (int64_t c = window.begin; c < window.end; ++c) {
      const Place place = columns_[static_cast<size_t>(c)];
      if (!model_.Has(place)) continue;
      variant.push_back(Set{{place.site, place.layer, to}, runs_.clean.State(place, fact)[from]});
    }
    return variant;
  }

  const Model& model_;
  const FactRuns& runs_;
  const std::vector<Place> columns_;
  const int window_;
  std::vector<std::vector<std::vector<Cell>>> grids_;  // [fact][token][column]
  FactCases cases_;  // by fact: the corrupted run, then its computed cells
};

}  // namespace

std::vector<FactTrace> TraceFacts(const Model& model, const std::vector<FactPair>& pairs,
                                  const TraceOptions& options, Audit& audit) {
  if (pairs.empty()) return {};
  c10::NoGradGuard no_grad;
  std::vector<Place> keep = Columns(model, options.site);
  std::erase_if(keep, [&](const Place& place) { return !model.Has(place); });
  const FactRuns runs = RunFacts(model, pairs, keep, options.noise);
  return Cells(model, runs, options).Compute(options.cells, audit);
}

std::vector<FactTrace> TraceMixerParts(const Model& model, const std::vector<FactPair>& pairs,
                                       TraceOptions options, Audit& audit) {
  const auto trace = [&](Site site) {
    options.site = site;
    return TraceFacts(model, pairs, options, audit);
  };
  std::vector<FactTrace> traces = trace(Site::kMixerOut), ssm_out = trace(Site::kSsmOut),
                         gate = trace(Site::kGate);
  for (size_t i = 0; i < traces.size(); ++i) {
    traces[i].ssm_out = std::move(ssm_out[i].probs);
    traces[i].gate = std::move(gate[i].probs);
  }
  return traces;
}

}  // namespace mambascope
