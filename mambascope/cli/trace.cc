#include "mambascope/experiments/tracing/trace_result.h"

#include <fmt/format.h>

#include "mambascope/cli/commands.h"
#include "mambascope/cli/describe.h"
#include "mambascope/cli/facts.h"
#include "mambascope/error.h"
#include "mambascope/figures/terminal.h"
#include "mambascope/reports/trace_report.h"

namespace mambascope {
namespace {

struct TraceArguments {
  FactArguments facts = {.corruption = CorruptionArguments()};
  std::string site = "resid";
  std::optional<int> window;
  bool isolate = false;
};

std::string TraceText(const TraceResult& result, const FactWork& work) {
  std::string text;
  Grid grid;
  if (result.facts.size() == 1) {
    text = FactText(result.facts[0].fact) + "p(answer)";
    grid = FactHeatMap(result, result.facts[0]);
  } else {
    text = FactsText(work) + fmt::format("\n{} of them left out (p_clean - p_corrupt below {})\nIE", result.summary.average.guarded, kGuard);
    grid = AverageHeatMap(result);
    grid.domain = {{0.0, 1.0}};
  }
  const bool difference = result.facts.size() > 1 && result.summary.isolated.has_value();
  const std::string what = difference ? " of mixer_out less those of ssm_out and gate"
                                      : fmt::format(" with the clean state restored, site {}", SiteName(result.site));
  return text + fmt::format("{}, window {}:\n{}\n", what, result.window, TerminalHeatMap(grid));
}

// The facts' traces at `sites`: the first as `probs`, the others where W_o is isolated.
std::vector<FactTrace> TraceAtSites(const Model& model, const Tokenizer& tokenizer, const std::vector<Site>& sites, TraceOptions options,
                                    const std::vector<FactPair>& pairs, Audit& audit) {
  std::vector<FactTrace> traces;
  for (const Site site : sites) {
    options.site = site;
    std::vector<FactTrace> some = TraceFacts(model, pairs, options, audit);
    if (traces.empty()) traces = std::move(some);
    else {
      TraceGrid FactTrace::*grid = site == Site::kGate ? &FactTrace::gate : &FactTrace::ssm_out;
      for (size_t i = 0; i < traces.size(); ++i) traces[i].*grid = std::move(some[i].probs);
    }
  }
  for (FactTrace& trace : traces) trace.fact.answer = tokenizer.DecodeToken(trace.fact.answer_id).value_or("");
  return traces;
}

std::vector<Site> TracedSites(const TraceArguments& a, const Model& model) {
  if (a.isolate && model.LayersWith(Site::kSsmOut).empty())
    throw Error("--isolate takes a mixer's output apart into scan and gate: it is for Mamba models");
  std::vector<Site> sites = {ParseSite(a.isolate ? "mixer_out" : a.site, model.sites())};
  if (a.isolate) sites.insert(sites.end(), {ParseSite("ssm_out", model.sites()), ParseSite("gate", model.sites())});
  if (sites[0] == Site::kEmbed && a.window.value_or(1) > 1) throw Error("--window: the embedding has no layers to restore together");
  return sites;
}

class TraceCommand : public Command {
 public:
  void VisitOptions(OptionVisitor& option) override {
    VisitFactOptions(a_.facts, option);
    option(&a_.isolate, {.names = "--isolate", .help = "What the output projection adds: the effect of mixer_out less those of ssm_out and gate"});
    option(&a_.site, {.names = "--site", .help = "States to restore: a site of the model", .excludes = {"--isolate"}});
    option(&a_.window, {.names = "--window",
                        .help = "Layers restored together",
                        .otherwise = "1 for resid, else 10 of 64 layers as published, scaled",
                        .bounds = Integers{1, 1'000'000}});
  }
  void Check() const override { CheckFacts(a_.facts); }

  void Run() override {
    const OutputFolder folder(a_.facts.out, {"trace.json", "trace.html"});
    const Tokenizer tokenizer = RequireTokenizer(common);
    const Model model = LoadModel(common);
    const std::vector<Site> sites = TracedSites(a_, model);
    const FactWork work = TakeFacts(common, a_.facts, model, tokenizer);
    TraceOptions options{
        .site = sites[0], .window = a_.window.value_or(DefaultWindow(sites[0], model.layers())), .noise = work.noise, .cells = {}};
    RunDescription run = DescribeRun("trace", *this);
    DescribeNoise(work, run);
    run.DependsOn("site", SiteName(sites[0]));
    run.DependsOn("window", options.window);
    TraceResult result{.options = run.options, .site = sites[0], .window = options.window, .facts = {}, .relations = work.relations};
    result.facts = RunFacts<FactTrace>("trace", common, a_.facts, model, work, folder, run,
                                       [&](const std::vector<FactPair>& pairs, const CellOptions& cells, Audit& audit) {
                                         options.cells = cells;
                                         return TraceAtSites(model, tokenizer, sites, options, pairs, audit);
                                       });
    result.summary = SummarizeTraces(result.facts);
    WriteResults("trace", common, folder, result, TracePage(result), TraceText(result, work));
  }

 private:
  TraceArguments a_;
};

}  // namespace

std::unique_ptr<Command> MakeTrace() { return std::make_unique<TraceCommand>(); }

}  // namespace mambascope
