#include "mambascope/reports/report_page.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "mambascope/figures/data_table.h"
#include "mambascope/figures/values.h"
#include "mambascope/plural.h"
#include "mambascope/reports/attention_report.h"
#include "mambascope/reports/edit_report.h"
#include "mambascope/reports/fact_browser.h"
#include "mambascope/reports/findings.h"
#include "mambascope/reports/knockout_page.h"
#include "mambascope/reports/lre_report.h"
#include "mambascope/reports/mass_edit_report.h"
#include "mambascope/reports/merge_runs.h"
#include "mambascope/reports/moments_report.h"
#include "mambascope/reports/one_edit_report.h"
#include "mambascope/reports/paths_report.h"
#include "mambascope/reports/result_page.h"
#include "mambascope/reports/trace_report.h"

namespace mambascope {
namespace {

// The order of Sharma et al. (2024), then of Endy et al. (2025).
enum class ChapterKind {
  kTracing,
  kPaths,
  kIsolation,
  kEdits,
  kRelations,
  kKnockout,
  kAttention,
  kMoments
};
constexpr std::array<const char*, 8> kChapterNames = {"Causal tracing",
                                                      "Path-specific effects",
                                                      "What the output projection adds",
                                                      "Edits",
                                                      "Linear relational embeddings",
                                                      "Knockout",
                                                      "Attention and hidden attention",
                                                      "Second moments"};

// The page of one result, its chapter, and what its first figures show.
struct Part {
  ChapterKind chapter;
  Page page;
  std::vector<std::string> findings;  // of the first figure, or of each model, site or layer
};

struct MakePart {
  Part operator()(const TraceResults& results) const {
    // The fact browser shows the single facts of several, but no logit differences.
    const bool are_browsed = results[0][0].facts.size() > 1 && !IsLogitDiff(results[0][0]);
    Part part{ChapterKind::kTracing, TracePage(results, are_browsed ? 0 : kTracedSamples), {}};
    if (results[0][0].summary.isolated) part.chapter = ChapterKind::kIsolation;
    for (const auto& sites : results) {
      for (const TraceResult& result : sites) part.findings.push_back(TraceFinding(result));
    }
    return part;
  }
  Part operator()(const PathsResults& results) const {
    Part part{ChapterKind::kPaths, PathsPage(results), {}};
    for (const auto& tokens : results) {
      for (const PathsResult& result : tokens) part.findings.push_back(PathsFinding(result));
    }
    return part;
  }
  Part operator()(const std::vector<KnockoutResult>& results) const {
    Part part{ChapterKind::kKnockout, KnockoutPage(results), {}};
    for (const KnockoutResult& result : results) part.findings.push_back(KnockoutFinding(result));
    return part;
  }
  Part operator()(const AttentionResult& result) const {
    Part part{ChapterKind::kAttention, AttentionPage(result), {}};
    for (const LayerAttention& layer : result.layers)
      part.findings.push_back(AttentionFinding(result, layer));
    return part;
  }
  Part operator()(const EditSweepResult& result) const {
    return {ChapterKind::kEdits, EditSweepPage(result), {EditSweepFinding(result)}};
  }
  Part operator()(const MassEditResult& result) const {
    return {ChapterKind::kEdits, MassEditPage(result), {MassEditFinding(result)}};
  }
  Part operator()(const OneEditResult& result) const {
    return {ChapterKind::kEdits, EditPage(result), {OneEditFinding(result)}};
  }
  Part operator()(const LreResult& result) const {
    return {ChapterKind::kRelations, LrePage(result), {LreFinding(result)}};
  }
  Part operator()(const MomentsResult& result) const {
    return {ChapterKind::kMoments, MomentsPage(result), {MomentsFinding(result)}};
  }
};

std::vector<const TraceResult*> TracesOf(const std::vector<ResultFile>& files) {
  std::vector<const TraceResult*> traces;
  for (const ResultFile& file : files) {
    const auto* results = std::get_if<TraceResults>(&file.result);
    if (results == nullptr) continue;
    for (const auto& sites : *results) {
      for (const TraceResult& result : sites) {
        traces.push_back(&result);
      }
    }
  }
  return traces;
}

std::string FigureName(const Figure& figure) { return figure.spec.value("name", std::string()); }

// Figures of one kind stand in one row: those of the same name.
void AppendToRows(Figure figure, std::vector<std::vector<Figure>>& rows) {
  for (auto& row : rows) {
    if (FigureName(row[0]) != FigureName(figure)) continue;
    row.push_back(std::move(figure));
    return;
  }
  rows.push_back({std::move(figure)});
}

// A line for each finding.
std::string AllFindings(const Part& part) {
  std::vector<std::string> findings = part.findings;
  std::erase(findings, "");
  return fmt::format("{}", fmt::join(findings, "\n"));
}

// The different command lines of the runs, a line each.
std::string CommandLines(const std::vector<Json>& runs) {
  std::vector<std::string> lines;
  for (const Json& run : runs) {
    const std::string line = CommandLine(run);
    if (!line.empty() && std::find(lines.begin(), lines.end(), line) == lines.end())
      lines.push_back(line);
  }
  return fmt::format("{}", fmt::join(lines, "\n"));
}

// A part without figures, such as one edit of a single pass, is shown by its summary.
PageTable SummaryTable(const Part& part, const std::string& command) {
  PageTable table{.heading = part.page.info.title,
                  .caption = fmt::format("{}\n{}", AllFindings(part), command),
                  .columns = {"", ""},
                  .rows = {}};
  for (const auto& [name, value] : part.page.info.summary) table.rows.push_back({{name, value}});
  return table;
}

std::string ModelsText(const std::vector<ResultFile>& files) {
  std::vector<std::string> models;
  for (const ResultFile& file : files) {
    for (const Json& run : file.runs) {
      const std::string name = ModelName(run);
      if (std::find(models.begin(), models.end(), name) == models.end()) models.push_back(name);
    }
  }
  return JoinTexts(models);
}

// `range` is that of all values: what is tiny beside it is 0.
std::string CellText(const DataTable& table, const DataTable::Row& row, double range) {
  const double shown = std::abs(*row.value) < 1e-4 * range ? 0 : *row.value;
  std::vector<std::string> keys;
  for (size_t k = 0; k < row.keys.size(); ++k)
    keys.push_back(fmt::format("{} {}", table.keys[k], row.keys[k]));
  return fmt::format("{:.3g} ({})", shown, fmt::join(keys, ", "));
}

// What the chapter's results say, for the top of the page. Several results are named.
std::string FindingsOf(const Chapter& chapter) {
  std::vector<const Figure*> with_findings;
  for (const std::vector<Figure>& row : chapter.rows) {
    for (const Figure& figure : row) {
      if (!figure.finding.empty()) with_findings.push_back(&figure);
    }
  }
  std::string text;
  for (const Figure* figure : with_findings) {
    text += text.empty() ? "" : "\n";
    if (with_findings.size() > 1) text += figure->of + ": ";
    text += figure->finding;
  }
  return text;
}

}  // namespace

std::string ExtremesFinding(const Json& spec) {
  if (!spec.contains("usermeta")) return "";
  const DataTable table = TableOfSpec(spec);
  const DataTable::Row *least = nullptr, *most = nullptr;
  for (const DataTable::Row& row : table.rows) {
    if (!HasValue(row.value)) continue;
    if (least == nullptr || *row.value < *least->value) least = &row;
    if (most == nullptr || *row.value > *most->value) most = &row;
  }
  const auto with_value = std::count_if(table.rows.begin(), table.rows.end(),
                                        [](const auto& row) { return HasValue(row.value); });
  if (with_value < 2 || most == nullptr || least == nullptr) return "";
  if (*most->value == *least->value)
    return fmt::format("All values of {} are {:.3g}.", table.value, *most->value);
  const double range = *most->value - *least->value;
  return fmt::format("The largest value of {} is {}. The smallest is {}.", table.value,
                     CellText(table, *most, range), CellText(table, *least, range));
}

Page ReportPage(const std::vector<ResultFile>& given) {
  const std::vector<ResultFile> files = MergeRuns(given);
  Page report{.info = {.title = fmt::format("Report: {}", ModelsText(files)),
                       .summary = {{"models", ModelsText(files)}}}};
  PageTable results{.heading = "Results",
                    .caption = "The files of this report. Figures of the same facts are joined.",
                    .columns = {"file", "result"},
                    .rows = {}};
  std::map<std::filesystem::path, std::string> titles;  // of the results that were not joined
  std::map<ChapterKind, Chapter> chapters;
  for (const ResultFile& file : files) {
    Part part = std::visit(MakePart(), file.result);
    Chapter& chapter = chapters[part.chapter];
    if (file.more.empty()) titles[file.file] = part.page.info.title;
    chapter.heading = kChapterNames[static_cast<size_t>(part.chapter)];
    const std::string command = CommandLines(file.runs);
    if (part.page.figures.empty()) chapter.tables.push_back(SummaryTable(part, command));
    for (PageTable& table : part.page.info.tables) chapter.tables.push_back(std::move(table));
    for (size_t i = 0; i < part.page.figures.size(); ++i) {
      Figure& figure = part.page.figures[i];
      figure.finding = i == 0 ? AllFindings(part) : "";
      if (figure.finding.empty()) figure.range = ExtremesFinding(figure.spec);
      figure.of = part.page.info.title;
      figure.command = command;
      figure.made_by = part.page.info.made_by;
      std::erase_if(figure.made_by, [](const auto& line) { return line.first == "command line"; });
      AppendToRows(std::move(figure), chapter.rows);
    }
  }
  for (auto& [kind, chapter] : chapters) {
    if (const std::string findings = FindingsOf(chapter); !findings.empty())
      report.info.summary.emplace_back(chapter.heading, findings);
    report.chapters.push_back(std::move(chapter));
  }
  for (const ResultFile& file : given) {
    const auto title = titles.find(file.file);
    results.rows.push_back(
        {{file.file.string(), title != titles.end()
                                  ? title->second
                                  : std::visit(MakePart(), file.result).page.info.title}});
  }
  report.tables = {results};
  report.facts = FactBrowserJson(TracesOf(files));
  return report;
}

}  // namespace mambascope
