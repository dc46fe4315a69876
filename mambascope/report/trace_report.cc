#include "mambascope/report/trace_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "mambascope/report/heat_map.h"
#include "mambascope/report/label.h"
#include "mambascope/report/page.h"

namespace mambascope {
namespace {

Json ToJson(const TraceGrid& grid) {
  Json rows = Json::array();
  for (const auto& row : grid) {
    Json cells = Json::array();
    for (const std::optional<double>& cell : row) cells.push_back(cell ? Json(*cell) : Json());
    rows.push_back(std::move(cells));
  }
  return rows;
}

Json ToJson(const FactTrace& fact) {
  return {{"relation", fact.relation.empty() ? Json() : Json(fact.relation)},
          {"subject", fact.clean.subject},
          {"corrupt_subject", fact.corrupt.subject},
          {"prompt", fact.clean.text},
          {"answer", fact.answer},
          {"answer_id", fact.answer_id},
          {"p_clean", fact.p_clean},
          {"p_corrupt", fact.p_corrupt},
          {"tokens", fact.clean.tokens},
          {"corrupt_tokens", fact.corrupt.tokens},
          {"subject_span", {fact.clean.subject_span.begin, fact.clean.subject_span.end}},
          {"probs", ToJson(fact.probs)}};
}

// The colours that the field gives to each kind of state.
std::string SchemeOf(Site site) {
  if (site == Site::kSsmOut || site == Site::kSsmIn || site == Site::kConvIn) return "reds";
  if (site == Site::kGate || site == Site::kMlpMid || site == Site::kMlpOut) return "greens";
  if (site == Site::kMixerOut || site == Site::kMixed) return "blues";
  return "purples";
}

// The upper end of a fact's colour scale.
double Largest(const FactTrace& fact) {
  double largest = std::max({fact.p_clean, fact.p_corrupt, 1e-6});
  for (const auto& row : fact.probs) {
    for (const auto& cell : row) largest = std::max(largest, cell.value_or(0));
  }
  return largest;
}

std::string OneLine(const Json& options) {
  std::string line;
  for (const auto& [key, value] : options.items())
    line += fmt::format("{}{}={}", line.empty() ? "" : ", ", key, value.is_string() ? value.get<std::string>() : value.dump());
  return line;
}

}  // namespace

Json TraceJson(const Json& options, const TraceOptions& trace, const std::vector<FactTrace>& facts) {
  Json json = {{"options", options}, {"site", SiteName(trace.site)}, {"window", trace.window}, {"facts", Json::array()}};
  for (const FactTrace& fact : facts) json["facts"].push_back(ToJson(fact));
  const TraceAverage average = Average(facts);
  json["average"] = {{"rows", kTraceRows},
                     {"ie", ToJson(average.ie)},
                     {"as_published", ToJson(average.as_published)},
                     {"facts_per_row", average.facts_per_row},
                     {"guarded", average.guarded}};
  return json;
}

Grid TraceHeatMap(const TraceOptions& trace, const FactTrace& fact) {
  Grid grid{.name = fmt::format("trace_{}", SiteName(trace.site)),
            .title = fmt::format("Where '{}' is recovered: {}", VisibleText(fact.answer), SiteName(trace.site)),
            .subtitle = fmt::format("{} restored in a prompt about {}", fact.clean.subject, fact.corrupt.subject),
            .row_title = "token",
            .column_title = "layer",
            .value_title = "p(answer)",
            .rows = fact.clean.tokens,
            .values = fact.probs,
            .scheme = SchemeOf(trace.site),
            .domain = {{0.0, Largest(fact)}},
            .references = {{"clean", fact.p_clean}, {"corrupted", fact.p_corrupt}}};
  for (size_t l = 0; l < fact.probs[0].size(); ++l) grid.columns.push_back(trace.site == Site::kEmbed ? "embed" : std::to_string(l));
  for (int64_t t = fact.clean.subject_span.begin; t < fact.clean.subject_span.end; ++t) grid.marked_rows.push_back(static_cast<int>(t));
  return grid;
}

std::string TracePage(const Json& options, const TraceOptions& trace, const FactTrace& fact) {
  const PageInfo info{.title = fmt::format("Causal trace: {}", fact.clean.text),
                      .summary = {{"model", options.value("model", "")},
                                  {"clean prompt", fact.clean.text},
                                  {"corrupted prompt", fact.corrupt.text},
                                  {"answer", fmt::format("{} (token {})", VisibleText(fact.answer), fact.answer_id)},
                                  {"p(answer)", fmt::format("clean {:.4g}, corrupted {:.4g}", fact.p_clean, fact.p_corrupt)},
                                  {"options", OneLine(options)}}};
  const std::string caption = fmt::format(
      "Each cell is p(answer) at the last token of the corrupted run with the clean run's {} restored at one token (row), in {} (column). "
      "Stars mark the subject's tokens.",
      SiteName(trace.site), trace.window == 1 ? "one layer" : fmt::format("{} layers around one", trace.window));
  return HtmlPage(info, {{.heading = "p(answer) by restored state", .caption = caption, .spec = HeatMap(TraceHeatMap(trace, fact))}});
}

namespace {

// What the marks of a terminal's heat map mean, of those that it has.
std::string Legend(const Grid& grid) {
  bool absent = false;
  for (const auto& row : grid.values) absent = absent || std::any_of(row.begin(), row.end(), [](const auto& cell) { return !cell; });
  return std::string(grid.marked_rows.empty() ? "" : "; * the subject") + (absent ? "; ? no counterpart in the corrupted prompt" : "");
}

// "0         5         10  layer": every fifth column's label over its column, each column two characters wide.
std::string ColumnTicks(const Grid& grid) {
  std::string ticks = " ";
  for (size_t c = 0; c < grid.columns.size(); c += 5) ticks += fmt::format("{:<10}", grid.columns[c]);
  return ticks + " " + grid.column_title;
}

}  // namespace

std::string TerminalHeatMap(const Grid& grid) {
  static constexpr const char* kShades[] = {" ", "\u2591", "\u2592", "\u2593", "\u2588"};
  int width = Length(grid.row_title);
  for (const std::string& row : grid.rows) width = std::max(width, Length(VisibleText(row)));
  width = std::min(width, 24);
  std::string out = fmt::format("  {:>{}} {}\n", "", width, ColumnTicks(grid));
  const auto [low, high] = grid.domain.value_or(std::pair(0.0, 1.0));
  for (size_t r = 0; r < grid.rows.size(); ++r) {
    const bool marked = std::find(grid.marked_rows.begin(), grid.marked_rows.end(), static_cast<int>(r)) != grid.marked_rows.end();
    out += fmt::format("{} {:>{}} |", marked ? '*' : ' ', VisibleText(grid.rows[r]), width);
    for (const std::optional<double>& cell : grid.values[r]) {
      const double share = cell ? std::clamp((*cell - low) / std::max(high - low, 1e-12), 0.0, 1.0) : 0;
      const char* shade = cell ? kShades[std::min(4, static_cast<int>(share * 5))] : "?";
      out += fmt::format("{}{}", shade, shade);
    }
    out += "|\n";
  }
  return out + fmt::format("  scale: blank {:.3g} to full {:.3g}{}\n", low, high, Legend(grid));
}

}  // namespace mambascope
