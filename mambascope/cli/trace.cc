#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "mambascope/cli/commands.h"
#include "mambascope/cli/describe.h"
#include "mambascope/cli/facts_run.h"
#include "mambascope/cli/host.h"
#include "mambascope/cli/prompt_warnings.h"
#include "mambascope/error.h"
#include "mambascope/experiments/facts/fact_json.h"
#include "mambascope/experiments/facts/token_sets.h"
#include "mambascope/experiments/tracing/trace_result.h"
#include "mambascope/plural.h"
#include "mambascope/reports/result_tables.h"
#include "mambascope/reports/trace_report.h"

namespace mambascope {
namespace {

struct TraceArguments {
  FactArguments facts = {.corruption = CorruptionArguments()};
  std::vector<std::string> models = {"demo"};
  std::vector<std::string> sites = {"resid"};
  std::optional<int> window;
  std::string tokens = {};  // sets; empty: all
  bool isolate = false;

  Metric metric() const { return ReadMetric(facts.corruption->metric); }
};

Site ParseTracedSite(const std::string& text, const Model& model) {
  const NamedPlace place = ParsePlace(text, model.sites(), model.layers());
  if (place.layer && place.site != Site::kEmbed)
    throw Error(
        fmt::format("--site {} names one layer, but a trace restores each layer in turn", text),
        fmt::format("use --site {}", SiteName(place.site)));
  return place.site;
}

// The sites to restore in a model, with their windows.
std::vector<TracedSite> TracedSites(const TraceArguments& a, const Model& model) {
  if (a.isolate && model.LayersWith(Site::kSsmOut).empty())
    throw Error("--isolate needs a Mamba model: it splits a mixer's output into scan and gate");
  std::vector<TracedSite> traced;
  for (const std::string& text : a.isolate ? std::vector<std::string>{"mixer_out"} : a.sites) {
    const Site site = ParseTracedSite(text, model);
    if (std::any_of(traced.begin(), traced.end(),
                    [&](const TracedSite& other) { return other.site == site; }))
      throw Error(fmt::format("--site {}: the site {} is given twice", text, SiteName(site)));
    if (site == Site::kEmbed && a.window.value_or(1) > 1)
      throw Error("--window does not go with --site embed, which has no layers");
    if (a.window && *a.window > model.layers())
      throw Error(fmt::format("--window {}: the model has only {}", *a.window,
                              Count(model.layers(), "layer")));
    traced.push_back({site, a.window.value_or(DefaultWindow(site, model.layers()))});
  }
  return traced;
}

class TraceCommand : public Command {
 public:
  void VisitOptions(OptionVisitor& option) override {
    VisitFactOptions(a_.facts, "out/trace-MODEL-SITE", option);
    VisitShardOption(common, option);
    option.Topic("States restored");
    option(&a_.isolate, {.names = "--isolate",
                         .help = "Measure what the output projection adds: the effect of mixer_out "
                                 "minus the effects of ssm_out and gate"});
    option(&a_.sites, {.names = "--site",
                       .help = "Site whose states are restored. Each of several sites, as "
                               "resid,ssm_out, is traced",
                       .list = List::kCommas,
                       .excludes = {"--isolate"}});
    option(&a_.window,
           {.names = "--window",
            .help = "Number of layers restored together",
            .otherwise = "1 for resid; for others the published 10 of 64 layers, scaled to the "
                         "model",
            .bounds = Integers{1, 1'000'000}});
    option(&a_.tokens,
           {.names = "--tokens",
            .help = "Tokens of the clean prompt whose states are restored: sets as in knockout, "
                    "and tokens counted from 0, as subject,last or 0-40,55",
            .otherwise = "all tokens"});
    VisitDevicesOption(common, option);
  }
  void VisitModel(OptionVisitor& option) override { VisitModels(a_.models, option); }
  bool HasCheck() const override { return true; }
  bool HasPlan() const override { return true; }
  bool HasShard() const override { return a_.facts.FromFiles(); }
  void Check() const override {
    CheckFacts(a_.facts);
    CheckModels(a_.models, a_.facts);
    (void)token_sets();  // throws where they are none
    Refuse(a_.isolate && a_.metric() == Metric::kLogitDiff,
           "--isolate does not go with --metric logit_diff: it splits effects on p(answer)");
  }

  void Run() override {
    const std::vector<std::string> one_part = {""};
    const std::string detail = a_.isolate ? "isolate" : fmt::format("{}", fmt::join(a_.sites, "+"));
    std::vector<std::vector<TracedSite>> sites;  // [model]
    FactsRun run("trace", common, a_.facts, a_.models, a_.isolate ? one_part : a_.sites, detail,
                 [&](const LoadedModel& one, const AskedFacts& asked) {
                   sites.push_back(TracedSites(a_, one.model()));
                   if (asked.one) CheckTracedTokens(asked.one->clean);
                   return Describe(one, asked, sites.back());
                 });
    TraceResults results;
    for (size_t m = 0; m < run.models.size(); ++m)
      results.push_back(RunModel(run.models[m], sites[m], run.work[m], run.runs[m], run.stores[m]));
    WriteResults("trace", common, a_.facts.output, run.folder,
                 {TraceJson(results), TracePage(results), TraceText(results),
                  [&] { return MakeTable(results); }});
  }

 private:
  std::vector<std::string> token_sets() const {
    return a_.tokens.empty() ? std::vector<std::string>() : ParseTokenSets(a_.tokens);
  }

  // Throws Error for tokens beyond the prompt's end, and where no token is left.
  void CheckTracedTokens(const Prompt& prompt) const {
    size_t tokens = 0;
    for (const std::string& set : token_sets()) {
      CheckTokens(set, prompt);
      tokens += ResolveTokens(set, prompt).size();
    }
    if (!a_.tokens.empty() && tokens == 0)
      throw Error(fmt::format("--tokens {}: the prompt has no such token", a_.tokens));
  }

  std::vector<RunDescription> Describe(const LoadedModel& one, const AskedFacts& asked,
                                       const std::vector<TracedSite>& sites) {
    RunDescription of_model = DescribeRun("trace", *this, one.common);
    DescribeFacts(asked, of_model);
    std::vector<RunDescription> runs;
    for (const TracedSite& at : sites) {
      runs.push_back(of_model);
      runs.back().DependsOn("site", SiteName(at.site));
      runs.back().DependsOn("window", at.window);
    }
    return runs;
  }

  // Returns a result per site.
  std::vector<TraceResult> RunModel(const LoadedModel& one, const std::vector<TracedSite>& sites,
                                    const FactWork& work, const std::vector<RunDescription>& runs,
                                    FactStores& stores) {
    const std::optional<Noise>& noise = work.noise;
    std::vector<std::vector<FactTrace>> traces = RunFacts<FactTrace>(
        a_.models.size() > 1 ? "trace of " + one.name : "trace", one, a_.facts, work,
        Load(one.model(), noise), stores,
        [&](const Model& model, const std::vector<FactPair>& pairs,
            const std::vector<FactPart>& parts, const CellOptions& cells, Audit& audit) {
          TraceOptions options{
              .window = sites[0].window, .noise = noise, .tokens = token_sets(), .cells = cells};
          if (common.host != nullptr && common.host->HearsPartial()) ShowCells(one, options);
          std::vector<FactTrace> found = Trace(model, sites, pairs, parts, options, audit);
          for (FactTrace& trace : found) NameAnswers(one.tokenizer, trace.fact);
          return found;
        });
    std::vector<TraceResult> results;
    for (size_t s = 0; s < sites.size(); ++s) {
      TraceResult result{.options = runs[s].options,
                         .name = one.name,
                         .site = sites[s].site,
                         .window = sites[s].window,
                         .facts = std::move(traces[s]),
                         .relations = work.relations,
                         .metric = a_.metric()};
      result.summary = SummarizeTraces(result.facts, result.metric);
      results.push_back(std::move(result));
    }
    if (!a_.facts.FromFiles()) {
      WarnOfEffect(one.common, results[0].facts[0].fact);
      CheckOtherAnswer(results[0].facts[0].fact, results[0].metric);
    }
    WarnOfNone(one.common, one.name, results[0].facts.size(), results[0].Shown().guarded,
               results[0].metric);
    return results;
  }

  // A host sees cells as they are computed, in about kSteps steps.
  void ShowCells(const LoadedModel& one, TraceOptions& options) const {
    constexpr int64_t kSteps = 8, kLeast = 48;
    options.cells.sweep.most_cases = std::max(kLeast, one.model().layers() * kUsualTokens / kSteps);
    options.partial = [&](const std::vector<FactTrace>& traces) {
      FactTrace first = traces.at(0);
      NameAnswers(one.tokenizer, first.fact);
      common.host->HearPartial({{"facts", Json::array({first})}});
    };
  }

  // The load of a fact at one site.
  FactLoad Load(const Model& model, const std::optional<Noise>& noise) const {
    const int64_t samples = noise ? noise->samples : 1;
    return {.sweeps = a_.isolate ? 3 : 1,
            .rows = samples * model.layers() * kUsualTokens * kUsualRows,
            .shorter = "--tokens restores the states of fewer tokens"};
  }

  std::vector<FactTrace> Trace(const Model& model, const std::vector<TracedSite>& sites,
                               const std::vector<FactPair>& pairs,
                               const std::vector<FactPart>& parts, const TraceOptions& options,
                               Audit& audit) const {
    if (a_.isolate) return TraceMixerParts(model, pairs, options, audit);
    std::vector<TraceTask> tasks;
    for (const FactPart& part : parts) tasks.push_back({part.fact, sites[part.part]});
    return TraceSites(model, pairs, tasks, options, audit);
  }

  TraceArguments a_;
};

}  // namespace

std::unique_ptr<Command> MakeTrace() { return std::make_unique<TraceCommand>(); }

}  // namespace mambascope
