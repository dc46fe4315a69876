#include <fmt/format.h>

#include "mambascope/cli/commands.h"
#include "mambascope/cli/describe.h"
#include "mambascope/cli/facts.h"
#include "mambascope/error.h"
#include "mambascope/experiments/tracing/trace_result.h"
#include "mambascope/reports/result_tables.h"
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
  const Site site = ParseSite(a.isolate ? "mixer_out" : a.site, model.sites());
  if (site == Site::kEmbed && a.window.value_or(1) > 1)
    throw Error("--window: the embedding has no layers to restore together");
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
    const Model model = LoadModel(common);
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
        "trace", common, a_.facts, model, work, Load(model, asked), store,
        [&](const std::vector<FactPair>& pairs, const CellOptions& cells, Audit& audit) {
          options.cells = cells;
          std::vector<FactTrace> traces = a_.isolate ? TraceMixerParts(model, pairs, options, audit)
                                                     : TraceFacts(model, pairs, options, audit);
          for (FactTrace& trace : traces)
            trace.fact.answer = tokenizer.DecodeToken(trace.fact.answer_id).value_or("");
          return traces;
        });
    result.summary = SummarizeTraces(result.facts);
    WriteResults("trace", common, a_.facts.output, folder,
                 {result, TracePage(result), TraceText(result), [&] { return MakeTable(result); }});
  }

 private:
  FactLoad Load(const Model& model, const AskedFacts& asked) const {
    const int64_t samples = asked.noise ? asked.noise->samples : 1;
    return {.sweeps = a_.isolate ? 3 : 1,
            .rows = samples * model.layers() * kUsualTokens * kUsualRows};
  }

  TraceArguments a_;
};

}  // namespace

std::unique_ptr<Command> MakeTrace() { return std::make_unique<TraceCommand>(); }

}  // namespace mambascope
