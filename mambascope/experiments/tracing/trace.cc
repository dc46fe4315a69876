#include "mambascope/experiments/tracing/trace.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <set>

#include "mambascope/experiments/facts/token_sets.h"

namespace mambascope {
namespace {

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

// The cells of some tasks, as cases of one sweep.
class Cells {
 public:
  Cells(const Model& model, const FactRuns& runs, const std::vector<TraceTask>& tasks,
        const std::vector<std::string>& tokens)
      : model_(model),
        runs_(runs),
        tasks_(tasks),
        tokens_(tokens),
        grids_(tasks.size()),
        cases_(runs) {
    for (size_t fact = 0; fact < runs.facts.size(); ++fact) {
      corrupt_.push_back(cases_.Add(fact, {}));
      for (size_t task = 0; task < tasks.size(); ++task) {
        if (tasks[task].pair == fact) AddTask(task);
      }
    }
  }

  // Returns the tasks' traces, with p_corrupt, logit_diff_corrupt and the grids set.
  std::vector<FactTrace> Compute(const TraceOptions& options, Audit& audit) {
    std::function<void(const PartialMeans&)> partial;
    if (options.partial) partial = [&](const PartialMeans& means) { options.partial(Read(means)); };
    const std::vector<VariantMeans> means = cases_.Compute(model_, options.cells, audit, partial);
    return Read({means.begin(), means.end()});
  }

 private:
  // Returns the traces with the cells that have means.
  std::vector<FactTrace> Read(const PartialMeans& means) const {
    std::vector<FactTrace> traces;
    for (size_t task = 0; task < tasks_.size(); ++task) {
      const size_t fact = tasks_[task].pair;
      FactTrace trace{.fact = runs_.facts[fact], .probs = {}};
      const VariantMeans corrupt = means[corrupt_[fact]].value_or(VariantMeans());
      trace.fact.p_corrupt = corrupt.p;
      trace.fact.logit_diff_corrupt = corrupt.logit_diff;
      for (const std::vector<std::optional<size_t>>& row : grids_[task]) {
        std::vector<std::optional<double>> probs, differences;
        for (const std::optional<size_t>& cell : row) {
          const std::optional<VariantMeans> mean = cell ? means[*cell] : std::nullopt;
          probs.push_back(mean ? std::optional(mean->p) : std::nullopt);
          differences.push_back(mean ? mean->logit_diff : std::nullopt);
        }
        trace.probs.push_back(std::move(probs));
        if (trace.fact.other_answer_id) trace.logit_diff.push_back(std::move(differences));
      }
      traces.push_back(std::move(trace));
    }
    return traces;
  }

  void AddTask(size_t task) {
    const auto& [fact, at] = tasks_[task];
    const TracedFact& f = runs_.facts[fact];
    const std::vector<Place> columns = TracedColumns(model_, at.site);
    const std::vector<std::optional<int64_t>> counterpart =
        AlignTokens(f.clean, f.corrupt.value_or(f.clean));
    const int64_t shared = SharedPrefix(f);
    std::set<int64_t> chosen;
    for (const std::string& set : tokens_) {
      const std::vector<int64_t> own = ResolveTokens(set, f.clean);
      chosen.insert(own.begin(), own.end());
    }
    for (int64_t t = 0; t < static_cast<int64_t>(counterpart.size()); ++t) {
      const std::optional<int64_t> to = counterpart[static_cast<size_t>(t)];
      const bool is_unmoved = to && t < shared && *to == t;
      std::vector<std::optional<size_t>> row(columns.size());
      for (size_t c = 0; c < columns.size(); ++c) {
        if (!to || !model_.Has(columns[c]) || (!tokens_.empty() && !chosen.contains(t))) continue;
        row[c] = is_unmoved
                     ? corrupt_[fact]
                     : cases_.Add(fact, RestoreStates(runs_, fact,
                                                      PlacesInWindow(model_, columns, at.window, c),
                                                      t, *to));
      }
      grids_[task].push_back(std::move(row));
    }
  }

  const Model& model_;
  const FactRuns& runs_;
  const std::vector<TraceTask>& tasks_;
  const std::vector<std::string>& tokens_;  // sets; empty: all
  // [task][token][column], the index of a case. None: the cell has no value.
  std::vector<std::vector<std::vector<std::optional<size_t>>>> grids_;
  std::vector<size_t> corrupt_;  // [fact], the case of its corrupted run
  FactCases cases_;              // by fact: the corrupted run, then the cells of its tasks
};

}  // namespace

std::vector<std::string> PublishedSites(const Model& model) {
  const std::vector<SiteInfo> sites = model.sites();
  std::vector<std::string> names;
  for (const Site site :
       {Site::kResid, Site::kMixerOut, Site::kSsmOut, Site::kGate, Site::kMlpOut, Site::kMixed}) {
    const bool has = std::any_of(sites.begin(), sites.end(),
                                 [&](const SiteInfo& info) { return info.site == site; });
    if (has && names.size() < 4) names.emplace_back(SiteName(site));
  }
  return names;
}

std::vector<FactTrace> TraceSites(const Model& model, const std::vector<FactPair>& pairs,
                                  const std::vector<TraceTask>& tasks, const TraceOptions& options,
                                  Audit& audit) {
  if (tasks.empty()) return {};
  c10::NoGradGuard no_grad;
  std::vector<Place> keep;
  for (const TraceTask& task : tasks) {
    for (const Place& place : TracedColumns(model, task.at.site)) {
      if (model.Has(place) && std::find(keep.begin(), keep.end(), place) == keep.end())
        keep.push_back(place);
    }
  }
  const FactRuns runs = RunFacts(model, pairs, keep, options.noise, options.cells.sweep.memory);
  return Cells(model, runs, tasks, options.tokens).Compute(options, audit);
}

std::vector<FactTrace> TraceFacts(const Model& model, const std::vector<FactPair>& pairs,
                                  const TraceOptions& options, Audit& audit) {
  std::vector<TraceTask> tasks;
  for (size_t i = 0; i < pairs.size(); ++i) tasks.push_back({i, {options.site, options.window}});
  return TraceSites(model, pairs, tasks, options, audit);
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
