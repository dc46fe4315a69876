#include "mambascope/reports/fact_browser.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "mambascope/figures/colour_scale.h"
#include "mambascope/figures/values.h"
#include "mambascope/plural.h"
#include "mambascope/reports/result_page.h"
#include "mambascope/reports/trace_figures.h"

namespace mambascope {
namespace {

// The number with four significant digits, which are enough to draw and to read.
Json Short(const std::optional<double>& value) {
  if (!HasValue(value)) return nullptr;
  if (*value == 0) return 0;
  const double scale = std::pow(10, 3 - std::floor(std::log10(std::abs(*value))));
  return std::round(*value * scale) / scale;
}

Json ShortGrid(const std::vector<std::vector<std::optional<double>>>& grid) {
  Json rows = Json::array();
  for (const auto& row : grid) {
    Json cells = Json::array();
    for (const auto& value : row) cells.push_back(Short(value));
    rows.push_back(std::move(cells));
  }
  return rows;
}

std::string BrowserPanelName(const TraceResult& trace) {
  return fmt::format("{}, {}{}", ModelOf(trace), SiteName(trace.site),
                     trace.window == 1 ? "" : fmt::format(", window {}", trace.window));
}

// What facts of different traces must share to be one fact: the prompt and its tokens, what
// corrupts it, and the answer.
using FactKey =
    std::tuple<std::string, std::string, std::vector<std::string>, std::string, std::string>;

FactKey KeyOf(const TraceResult& trace, const TracedFact& fact) {
  return {fact.relation, fact.clean.text, fact.clean.tokens,
          fact.corrupt ? fact.corrupt->text : Corruption(trace), fact.answer};
}

Json FactJson(const TraceResult& trace, const TracedFact& fact) {
  return {{"relation", fact.relation},
          {"prompt", fact.clean.text},
          {"tokens", fact.clean.tokens},
          {"subject", {fact.clean.subject_span.begin, fact.clean.subject_span.end}},
          {"corrupt", fact.corrupt ? fact.corrupt->subject : Corruption(trace)},
          {"answer", fact.answer}};
}

Json PanelJson(const TraceResult& trace) {
  Json rows = Json::array(), average = Json::array();
  if (trace.facts.size() > 1 && HasAverage(trace)) {
    average = ShortGrid(trace.Shown().ie);
    for (size_t row = 0; row < trace.Shown().ie.size(); ++row)
      rows.push_back(fmt::format("{} ({})", RowName(row), trace.Shown().facts_per_row[row]));
  }
  const Scheme& scheme = ColourScheme(Grid{.scheme = SchemeForSite(trace.site)});
  const size_t layers = trace.facts[0].probs.at(0).size();
  return {{"name", BrowserPanelName(trace)},
          {"layers", LayerLabels(trace, layers)},
          {"ramp", scheme.ramp},
          {"ramp_on_black", scheme.on_black()},
          {"rows", rows},
          {"average", average}};
}

}  // namespace

Json FactBrowserJson(const std::vector<const TraceResult*>& traces) {
  Json panels = Json::array(), facts = Json::array();
  std::map<FactKey, size_t> places;
  std::map<std::string, size_t> panel_places;
  std::vector<double> effects;
  for (const TraceResult* trace : traces) {
    if (trace->facts.empty() || IsLogitDiff(*trace)) continue;
    const auto [named, is_new_panel] =
        panel_places.emplace(BrowserPanelName(*trace), panels.size());
    const size_t panel = named->second;
    if (is_new_panel) panels.push_back(PanelJson(*trace));
    else if (panels[panel]["average"].empty()) panels[panel] = PanelJson(*trace);
    for (const FactTrace& one : trace->facts) {
      const auto [at, is_new] = places.emplace(KeyOf(*trace, one.fact), facts.size());
      if (is_new) {
        facts.push_back(FactJson(*trace, one.fact));
        effects.push_back(Effect(one.fact));
      }
      Json& list = facts[at->second]["panels"];
      while (list.size() <= panel) list.push_back(nullptr);
      if (!list[panel].is_null()) continue;  // the same fact twice
      list[panel] = {{"clean", Short(one.fact.p_clean)},
                     {"corrupted", Short(one.fact.p_corrupt)},
                     {"cells", ShortGrid(one.probs)}};
      effects[at->second] = std::max(effects[at->second], Effect(one.fact));
    }
  }
  if (facts.empty()) return nullptr;
  for (size_t i = 0; i < facts.size(); ++i) {
    facts[i]["effect"] = Short(effects[i]);
    while (facts[i]["panels"].size() < panels.size()) facts[i]["panels"].push_back(nullptr);
  }
  return {{"value", "p(answer)"}, {"panels", panels}, {"facts", facts}};
}

}  // namespace mambascope
