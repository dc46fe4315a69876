#include "mambascope/experiments/tracing/trace.h"

#include <fmt/format.h>

#include "mambascope/cli/commands.h"
#include "mambascope/cli/facts.h"
#include "mambascope/error.h"
#include "mambascope/reports/fact_json.h"
#include "mambascope/figures/terminal.h"
#include "mambascope/reports/trace_report.h"

namespace mambascope {
namespace {

struct TraceArguments {
  FactOptions facts;
  std::string site = "resid";
  int window = 0;
  bool isolate = false;
};

std::string Summary(const TraceResult& result, const FactWork& work) {
  std::string text;
  Grid grid;
  if (result.facts.size() == 1) {
    text = FactText(result.facts[0].fact) + "p(answer)";
    grid = FactHeatMap(result, result.facts[0]);
  } else {
    text = FactsText(work) + fmt::format("\n{} of them left out (p_clean - p_corrupt below {})\nIE", AverageTraces(result.facts).guarded, kGuard);
    grid = AverageHeatMap(result);
    grid.domain = {{0.0, 1.0}};
  }
  const bool difference = result.facts.size() > 1 && !result.ssm_out.empty();
  const std::string what = difference ? " of mixer_out less those of ssm_out and gate"
                                      : fmt::format(" with the clean state restored, site {}", SiteName(result.site));
  return text + fmt::format("{}, window {}:\n{}\n", what, result.window, TerminalHeatMap(grid));
}

// One line per fact: its trace at `sites`, the first as "probs".
std::vector<Json> TraceLines(const Model& model, const Tokenizer& tokenizer, const std::vector<Site>& sites, TraceOptions options,
                             const std::vector<FactPair>& pairs, const CellOptions& cells, Audit& audit) {
  std::vector<Json> lines;
  options.cells = cells;
  for (const Site site : sites) {
    options.site = site;
    std::vector<FactTrace> traces = TraceFacts(model, pairs, options, audit);
    for (size_t i = 0; i < traces.size(); ++i) {
      traces[i].fact.answer = tokenizer.DecodeToken(traces[i].fact.answer_id).value_or("");
      if (site == sites[0]) lines.push_back(ToJson(traces[i]));
      else lines[i][SiteName(site)] = ToJson(traces[i].probs);
    }
  }
  return lines;
}

std::vector<FactTrace> ReadTraces(const std::vector<Json>& lines, const std::string& key) {
  std::vector<FactTrace> traces;
  for (const Json& line : lines) traces.push_back(ReadTrace(line, key));
  return traces;
}

void RunTrace(const CommonOptions& common, const TraceArguments& o) {
  PrepareFacts(o.facts, "trace");
  const Tokenizer tokenizer = RequireTokenizer(common);
  const Model model = LoadModel(common);
  if (o.isolate && model.LayersWith(Site::kSsmOut).empty())
    throw Error("--isolate takes a mixer's output apart into scan and gate: it is for Mamba models");
  std::vector<Site> sites = {ParseSite(o.isolate ? "mixer_out" : o.site, model.sites())};
  if (o.isolate) sites.insert(sites.end(), {ParseSite("ssm_out", model.sites()), ParseSite("gate", model.sites())});
  if (sites[0] == Site::kEmbed && o.window > 1) throw Error("--window: the embedding has no layers to restore together");
  const FactWork work = TakeFacts(common, o.facts, model, tokenizer);
  const TraceOptions options{
      .site = sites[0], .window = o.window > 0 ? o.window : DefaultWindow(sites[0], model.layers()), .noise = work.noise, .cells = {}};
  TraceResult result{
      .options = EchoOptions("trace", common, EchoFactOptions(o.facts, work)), .site = sites[0], .window = options.window, .facts = {}};
  result.options.update({{"site", SiteName(sites[0])}, {"window", options.window}, {"isolate", o.isolate}});
  const std::vector<Json> lines = RunBatches("trace", common, o.facts, model, work, result.options,
                                             [&](const std::vector<FactPair>& pairs, const CellOptions& cells, Audit& audit) {
                                               return TraceLines(model, tokenizer, sites, options, pairs, cells, audit);
                                             });
  result.facts = ReadTraces(lines, "probs");
  result.relations = work.relations;
  if (o.isolate) {
    result.ssm_out = ReadTraces(lines, "ssm_out");
    result.gate = ReadTraces(lines, "gate");
  }
  WriteResults("trace", common, o.facts, TraceJson(result), TracePage(result), Summary(result, work));
}

}  // namespace

void Trace(CLI::App& command, CommonOptions& common) {
  const auto o = std::make_shared<TraceArguments>();
  AddFactOptions(command, o->facts);
  AddCorruptionOptions(command, o->facts);
  CLI::Option* isolate =
      command.add_flag("--isolate", o->isolate, "what the output projection adds: IE of mixer_out less those of ssm_out and gate");
  command.add_option("--site", o->site, "the states to restore")->capture_default_str()->excludes(isolate);
  command.add_option("--window", o->window, "layers restored together; without it, 1 for resid, else the paper's share of the layers")
      ->check(CLI::Range(1, 1'000'000));
  command.callback([&common, o] { RunTrace(common, *o); });
}

}  // namespace mambascope
