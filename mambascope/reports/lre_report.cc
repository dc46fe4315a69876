#include "mambascope/reports/lre_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "mambascope/figures/label.h"
#include "mambascope/figures/page.h"
#include "mambascope/reports/result_page.h"

namespace mambascope {
namespace {

std::string LayerName(int layer) { return layer == kEmbedLayer ? "embed" : std::to_string(layer); }

// The most faithful first.
std::vector<RelationResult> Sorted(std::vector<RelationResult> relations) {
  std::stable_sort(relations.begin(), relations.end(), [](const auto& a, const auto& b) {
    return a.chosen.faithfulness.mean > b.chosen.faithfulness.mean;
  });
  return relations;
}

// "93.3 ±4.7", or without the standard deviation where there is none.
std::string MeanAndStd(const MeanOverTrials& value) {
  return fmt::format("{:.1f}{}", value.mean, value.std ? fmt::format(" ±{:.1f}", *value.std) : "");
}

// "44.6 [40.1, 49.0]", or without the interval where there is none.
std::string MeanAndInterval(const MeanOverRelations& value) {
  const auto& interval = value.interval;
  return fmt::format(
      "{:.1f}{}", value.mean,
      interval ? fmt::format(" [{:.1f}, {:.1f}]", interval->first, interval->second) : "");
}

Curve LayerCurve(const LreSummary& summary, const std::string& name,
                 MeanOverRelations LayerSummary::*value) {
  Curve curve{.name = name};
  for (const LayerSummary& layer : summary.by_layer) {
    curve.values.emplace_back((layer.*value).mean);
    curve.band.push_back((layer.*value).interval);
  }
  return curve;
}

PageInfo PageHead(const LreResult& lre) {
  const LreSummary& summary = lre.summary;
  PageInfo info{.title = "Linear relational embeddings",
                .summary = {{"model", lre.options.value("model", "")}}};
  if (summary.relations > 0) {
    info.summary.push_back({"relations", std::to_string(summary.relations)});
    info.summary.push_back({"faithfulness", MeanAndInterval(summary.faithfulness) + " %"});
    info.summary.push_back({"causality", MeanAndInterval(summary.causality) + " %"});
    info.summary.push_back({"chance", MeanAndInterval(summary.chance) + " %"});
  } else {
    info.summary.push_back({"relations", "none could be measured"});
  }
  constexpr size_t kFew = 5;  // more would push the figures off the screen
  std::string names;
  for (const auto& [what, reason] : summary.skipped) {
    if (summary.skipped.size() <= kFew)
      info.summary.push_back({"skipped", fmt::format("{}: {}", what, reason)});
    names += (names.empty() ? "" : "; ") + what;
  }
  if (summary.skipped.size() > kFew)
    info.summary.push_back({"skipped", fmt::format("{} (why: lre.json)", names)});
  info.summary.push_back({"options", OptionsLine(lre.options)});
  return info;
}

constexpr const char* kRelationsCaption =
    "LRE: the share of test samples whose object the relation's operator says: an affine map from "
    "the subject's state at one layer to the "
    "last layer's, made from a few samples' Jacobians. Only samples that the model itself knows "
    "are tested. The layer is the one "
    "chosen in each trial (in brackets, the one most often chosen), for the other operators too: "
    "identity is the state itself, translation "
    "adds the mean difference, regression is the least-squares map of the same samples. A grey "
    "tick is chance, 1 / the number of distinct "
    "objects; a thin line is one standard deviation over trials either way. A relation whose blue "
    "dot stands far to the right of its tick "
    "and of the others is decoded linearly.";
constexpr const char* kLayersCaption =
    "Faithfulness: what the operator says; causality: the share of test samples whose answer "
    "becomes another sample's when the subject's "
    "state is moved by the operator's low-rank inverse. Beta and the rank are each layer's own. "
    "Bands: 95% confidence intervals over "
    "relations. Where causality falls, what comes after no longer reads the subject's state.";
constexpr const char* kRangeCaption =
    "A relation with few objects is easier to guess: the dashed curve is chance. Points high above "
    "it are linear for another reason. "
    "Colours are kinds of relations.";

}  // namespace

DotPlot LreRelationsPlot(const LreResult& lre) {
  DotPlot plot{
      .name = "lre_relations",
      .title = "Faithfulness by relation",
      .subtitle = fmt::format("{}; each trial at its chosen layer", lre.options.value("model", "")),
      .row_title = "relation",
      .value_title = "faithfulness (%)",
      .series = {{.name = "LRE"},
                 {.name = "identity"},
                 {.name = "translation"},
                 {.name = "regression"},
                 {.name = "chance", .is_reference = true}},
      .domain = {0, 100}};
  for (const RelationResult& relation : Sorted(lre.relations)) {
    const LreMeans& means = relation.chosen;
    plot.rows.push_back(fmt::format("{} ({})", relation.name, LayerName(relation.layer)));
    plot.series[0].values.push_back(means.faithfulness.mean);
    plot.series[0].spreads.push_back(means.faithfulness.std);
    plot.series[1].values.push_back(means.identity.mean);
    plot.series[2].values.push_back(means.translation.mean);
    plot.series[3].values.push_back(means.regression.mean);
    plot.series[4].values.push_back(relation.chance);
  }
  return plot;
}

LineChart LreLayersChart(const LreResult& lre) {
  const LreSummary& summary = lre.summary;
  LineChart chart{.name = "lre_layers",
                  .title = "Faithfulness and causality by layer",
                  .subtitle = fmt::format("{}; means over {} relations",
                                          lre.options.value("model", ""), summary.relations),
                  .x_title = "layer",
                  .y_title = "percent of test samples",
                  .curves = {LayerCurve(summary, "faithfulness", &LayerSummary::faithfulness),
                             LayerCurve(summary, "causality", &LayerSummary::causality)},
                  .references = {{"chance", summary.chance.mean}},
                  .domain = {{0.0, 100.0}}};
  for (const LayerSummary& layer : summary.by_layer) chart.x.push_back(LayerName(layer.layer));
  return chart;
}

Scatter LreRangeScatter(const LreResult& lre) {
  Scatter scatter{.name = "lre_range",
                  .title = "Faithfulness by the number of distinct objects",
                  .subtitle = lre.options.value("model", ""),
                  .x_title = "distinct objects",
                  .y_title = "faithfulness (%)",
                  .log_x = true,
                  .guide_label = "chance",
                  .domain = {{0.0, 100.0}}};
  double least = INFINITY, most = 0;
  for (const RelationResult& relation : lre.relations) {
    const auto range = static_cast<double>(relation.range);
    scatter.points.push_back(
        {relation.name, relation.kind, range, relation.chosen.faithfulness.mean});
    least = std::min(least, range);
    most = std::max(most, range);
  }
  constexpr int kSteps = 40;
  for (int i = 0; i <= kSteps && least < most; ++i) {
    const double range = least * std::pow(most / least, i / static_cast<double>(kSteps));
    scatter.guide.emplace_back(range, 100 / range);
  }
  return scatter;
}

std::string LrePage(const LreResult& lre) {
  if (lre.relations.empty()) return HtmlPage(PageHead(lre), {});
  std::vector<Figure> figures = {
      {"By relation", kRelationsCaption, DotPlotSpec(LreRelationsPlot(lre))}};
  if (lre.summary.by_layer.size() > 1)
    figures.push_back({"By layer", kLayersCaption, LineChartSpec(LreLayersChart(lre))});
  const Scatter by_range = LreRangeScatter(lre);
  if (!by_range.guide.empty())
    figures.push_back({"By the number of objects", kRangeCaption, ScatterSpec(by_range)});
  return HtmlPage(PageHead(lre), figures);
}

std::string LreText(const LreResult& lre) {
  std::string text;
  const LreSummary& summary = lre.summary;
  if (summary.relations > 0) {
    text = fmt::format("{:<20}{:>6}{:>7}{:>12}{:>6}{:>5}{:>12}{:>6}{:>6}\n", "relation", "known",
                       "chance", "faithful", "layer", "beta", "causal", "layer", "rank");
  }
  for (const RelationResult& r : Sorted(lre.relations)) {
    text += fmt::format("{:<20.19}{:>6.4g}{:>7.1f}{:>12}{:>6}{:>5.3g}{:>12}{:>6}{:>6.3g}\n",
                        VisibleText(r.name), r.known, r.chance, MeanAndStd(r.chosen.faithfulness),
                        LayerName(r.layer), r.chosen.beta, MeanAndStd(r.chosen.causality),
                        LayerName(r.causal_layer), r.chosen.rank);
  }
  if (summary.relations > 1)
    text += fmt::format("{} relations: faithfulness {} %, causality {} %\n", summary.relations,
                        MeanAndInterval(summary.faithfulness), MeanAndInterval(summary.causality));
  for (const auto& [what, reason] : summary.skipped)
    text += fmt::format("skipped {}: {}\n", VisibleText(what), reason);
  return text;
}

}  // namespace mambascope
