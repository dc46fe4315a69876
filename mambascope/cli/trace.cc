#include <fmt/format.h>

#include "mambascope/cli/commands.h"
#include "mambascope/cli/describe.h"
#include "mambascope/cli/facts.h"
#include "mambascope/cli/prompt_warnings.h"
#include "mambascope/error.h"
#include "mambascope/experiments/tracing/trace_result.h"
#include "mambascope/plural.h"
#include "mambascope/reports/trace_report.h"

namespace mambascope {
namespace {

struct TraceArguments {
  FactArguments facts = {.corruption = CorruptionArguments()};
  std::string site = "resid";
  std::optional<int> window;
  bool isolate = false;
};

Site TracedSite(const TraceArguments& a, const Model& model) {
  if (a.isolate && model.LayersWith(Site::kSsmOut).empty())
    throw Error(
        "--isolate takes a mixer's output apart into scan and gate: it is for Mamba models");
  const NamedPlace place =
      ParsePlace(a.isolate ? "mixer_out" : a.site, model.sites(), model.layers());
  if (place.layer && place.site != Site::kEmbed)
    throw Error(
        fmt::format("--site {} names one layer, but a trace restores each layer in turn", a.site),
        fmt::format("use --site {}", SiteName(place.site)));
  const Site site = place.site;
  if (site == Site::kEmbed && a.window.value_or(1) > 1)
    throw Error("--window: the embedding has no layers to restore together");
  if (a.window && *a.window > model.layers())
    throw Error(fmt::format("--window {}: the model has only {}", *a.window,
                            Count(model.layers(), "layer")));
  return site;
}

class TraceCommand : public Command {
 public:
  void VisitOptions(OptionVisitor& option) override {
    VisitFactOptions(a_.facts, "out/trace-MODEL-SITE", option);
    option.Topic("States restored");
    option(&a_.isolate, {.names = "--isolate",
                         .help = "What the output projection adds: the effect of mixer_out less "
                                 "those of ssm_out and gate"});
    option(&a_.site, {.names = "--site",
                      .help = "States to restore: a site of the model",
                      .excludes = {"--isolate"}});
    option(&a_.window, {.names = "--window",
                        .help = "Layers restored together",
                        .otherwise = "1 for resid, else 10 of 64 layers as published, scaled",
                        .bounds = Integers{1, 1'000'000}});
  }
  void Check() const override { CheckFacts(a_.facts); }

  void Run() override {
    const OutputFolder folder = OpenFolder(
        "trace", a_.facts, DefaultFolder("trace", {common.model}, a_.isolate ? "isolate" : a_.site),
        {"trace"});
    const Tokenizer tokenizer = RequireTokenizer(common);
    const Model model = LoadModel(common, &tokenizer);
    const Site site = TracedSite(a_, model);
    const AskedFacts asked = ReadFacts(common, a_.facts, model, tokenizer);
    TraceOptions options{.site = site,
                         .window = a_.window.value_or(DefaultWindow(site, model.layers())),
                         .noise = asked.noise,
                         .cells = {}};
    RunDescription run = DescribeRun("trace", *this);
    DescribeFacts(asked, run);
    run.DependsOn("site", SiteName(site));
    run.DependsOn("window", options.window);
    RefuseOtherRun(folder, "trace", {run.identity}, a_.facts.output.others());
    std::optional<ResultStore> store = OpenStore("trace", a_.facts, folder, run);
    const FactWork work = ChooseFacts(common, a_.facts, asked, model, tokenizer);
    TraceResult result{.options = run.options,
                       .site = site,
                       .window = options.window,
                       .facts = {},
                       .relations = work.relations};
    result.facts = RunFacts<FactTrace>(
        "trace", common, a_.facts, model, work, store,
        [&](const std::vector<FactPair>& pairs, const CellOptions& cells, Audit& audit) {
          options.cells = cells;
          std::vector<FactTrace> traces = a_.isolate ? TraceMixerParts(model, pairs, options, audit)
                                                     : TraceFacts(model, pairs, options, audit);
          for (FactTrace& trace : traces)
            trace.fact.answer = tokenizer.DecodeToken(trace.fact.answer_id).value_or("");
          return traces;
        });
    if (work.facts.empty()) WarnOfEffect(common, result.facts[0].fact);
    result.summary = SummarizeTraces(result.facts);
    WriteResults("trace", common, folder, result, TracePage(result), TraceText(result));
  }

 private:
  TraceArguments a_;
};

}  // namespace

std::unique_ptr<Command> MakeTrace() { return std::make_unique<TraceCommand>(); }

}  // namespace mambascope
