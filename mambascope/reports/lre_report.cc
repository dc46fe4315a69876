#include "mambascope/reports/lre_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "mambascope/figures/label.h"
#include "mambascope/figures/page.h"
#include "mambascope/plural.h"
#include "mambascope/reports/result_page.h"

namespace mambascope {
namespace {

// The relations, the most faithful first.
std::vector<RelationResult> Sorted(std::vector<RelationResult> relations) {
  std::stable_sort(relations.begin(), relations.end(), [](const auto& a, const auto& b) {
    return a.chosen.faithfulness.mean > b.chosen.faithfulness.mean;
  });
  return relations;
}

// "93.3 ±4.7", or "93.3" without a standard deviation.
std::string MeanAndStd(const MeanOverTrials& value) {
  return fmt::format("{:.1f}{}", value.mean, value.std ? fmt::format(" ±{:.1f}", *value.std) : "");
}

// An interval of two relations often spans everything from 0 to 100.
bool ShowsIntervals(const LreSummary& summary) { return summary.relations > 2; }

// "44.6 [40.1, 49.0]", or "44.6" without an interval.
std::string MeanAndInterval(const LreSummary& summary, const MeanOverRelations& value) {
  const auto& interval = value.interval;
  return fmt::format("{:.1f}{}", value.mean,
                     interval && ShowsIntervals(summary)
                         ? fmt::format(" [{:.1f}, {:.1f}]", interval->first, interval->second)
                         : "");
}

Curve LayerCurve(const LreSummary& summary, const std::string& name,
                 MeanOverRelations LayerSummary::*value) {
  Curve curve{.name = name};
  for (const LayerSummary& layer : summary.by_layer) {
    curve.values.emplace_back((layer.*value).mean);
    if (ShowsIntervals(summary)) curve.band.push_back((layer.*value).interval);
  }
  return curve;
}

// "8", or "8, 10" if trials chose different layers. `usual` is the layer that most trials chose.
std::string LayersName(const RelationResult& relation, int TrialResult::*layer, int usual) {
  const std::vector<int> layers = ChosenLayers(relation, layer);
  if (layers.size() < 2) return LayerName(usual);
  std::vector<std::string> names;
  for (const int chosen : layers) names.push_back(LayerName(chosen));
  return JoinTexts(names);
}

bool Differs(const RelationResult& relation, int TrialResult::*layer) {
  return ChosenLayers(relation, layer).size() > 1;
}

// "animal_class", "47 relations"
std::string RelationsName(const LreResult& lre) {
  if (lre.relations.size() == 1) return lre.relations[0].name;
  return Count(lre.relations.size(), "relation");
}

PageInfo LreHead(const LreResult& lre) {
  const LreSummary& summary = lre.summary;
  PageInfo info{.title = fmt::format("Linear relational embeddings: {} ({})", RelationsName(lre),
                                     ModelName(lre.options)),
                .summary = {{"model", ModelName(lre.options)}},
                .made_by = OptionLines(lre.options)};
  if (summary.relations > 0) {
    const bool one = summary.relations == 1;
    info.summary.push_back({one ? "relation" : "relations",
                            one ? lre.relations[0].name : std::to_string(summary.relations)});
    info.summary.push_back({"faithfulness", MeanAndInterval(summary, summary.faithfulness) + " %"});
    info.summary.push_back({"causality", MeanAndInterval(summary, summary.causality) + " %"});
    info.summary.push_back({"chance", MeanAndInterval(summary, summary.chance) + " %"});
    if (ShowsIntervals(summary))
      info.summary.push_back({"in brackets", "95% confidence intervals over relations"});
  } else {
    info.summary.push_back({"relations", "none could be measured"});
  }
  constexpr size_t kFew = 5;  // more reasons would push the figures off the screen
  std::string names;
  for (const auto& [what, reason] : summary.skipped) {
    if (summary.skipped.size() <= kFew)
      info.summary.push_back({"skipped", fmt::format("{}: {}", what, reason)});
    names += (names.empty() ? "" : "; ") + what;
  }
  if (summary.skipped.size() > kFew)
    info.summary.push_back({"skipped", fmt::format("{} (lre.json has the reasons)", names)});
  return info;
}

constexpr const char* kRelationsCaption =
    "LRE is an affine map from the subject's state at one layer to the last layer's state. It is "
    "made from the Jacobians of a few samples. Faithfulness is the share of test samples whose "
    "object it predicts. Only samples that the model itself knows are tested.\n"
    "Each trial stands at the layer that it chose, for the other operators too. The brackets have "
    "these layers. Identity is the state itself, translation adds the mean difference, and "
    "regression is the least-squares map of the same samples. A grey tick is chance, which is 1 / "
    "the number of distinct objects. A thin line is one standard deviation over trials to each "
    "side. If the dot of LRE stands far to the right of its tick and of the other dots, the "
    "relation is decoded linearly.";
constexpr const char* kLayersCaption =
    "Faithfulness is the share of test samples whose object the operator predicts. Causality is "
    "the share whose answer becomes another sample's, when the operator's low-rank inverse moves "
    "the subject's state. Each layer has its own beta and rank. If causality falls, the layers "
    "above no longer read the subject's state.";
constexpr const char* kRangeCaption =
    "A relation with few objects is easier to guess. The dashed curve is chance. Points high above "
    "it are linear for another reason. Colours are kinds of relations.";

// The line below a relation whose trials chose different layers.
std::string DifferingLine(const RelationResult& relation, const char* what, int TrialResult::*layer,
                          MeanOverTrials LreMeans::*measure, const char* parameter,
                          double LreMeans::*value) {
  if (!Differs(relation, layer)) return "";
  const LayerResult& best = BestLayer(relation, measure);
  return fmt::format(
      "    {}: trials chose layers {}. The best layer on average is {}, with {} "
      "and {} {:.3g}.\n",
      what, LayersName(relation, layer, 0), LayerName(best.layer), MeanAndStd(best.means.*measure),
      parameter, best.means.*value);
}

}  // namespace

DotPlot LreRelationsPlot(const LreResult& lre) {
  DotPlot plot{.name = "lre_relations",
               .title = "Faithfulness by relation",
               .subtitle = fmt::format("{}; in brackets: the layers that trials chose",
                                       ModelName(lre.options)),
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
    plot.rows.push_back(fmt::format("{} ({})", relation.name,
                                    LayersName(relation, &TrialResult::layer, relation.layer)));
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
  LineChart chart{
      .name = "lre_layers",
      .title = "Faithfulness and causality by layer",
      .subtitle = fmt::format("{}; {}{}", ModelName(lre.options),
                              summary.relations == 1 ? "" : "means over ", RelationsName(lre)),
      .band_name = "95% confidence intervals over relations",
      .y_title = "percent of test samples",
      .curves = {LayerCurve(summary, "faithfulness", &LayerSummary::faithfulness),
                 LayerCurve(summary, "causality", &LayerSummary::causality)},
      .references = {{"chance", summary.chance.mean}},
      .domain = {{0.0, 100.0}}};
  std::vector<int> layers;
  for (const LayerSummary& layer : summary.by_layer) layers.push_back(layer.layer);
  SetLayers(chart, layers);
  return chart;
}

Scatter LreRangeScatter(const LreResult& lre) {
  Scatter scatter{.name = "lre_range",
                  .title = "Faithfulness by the number of distinct objects",
                  .subtitle = fmt::format("{}; {}", ModelName(lre.options), RelationsName(lre)),
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

Page LrePage(const LreResult& lre) {
  if (lre.relations.empty()) return {LreHead(lre)};
  std::vector<Figure> figures = {
      {"By relation", kRelationsCaption, DotPlotSpec(LreRelationsPlot(lre))}};
  if (lre.summary.by_layer.size() > 1)
    figures.push_back({"By layer", kLayersCaption, LineChartSpec(LreLayersChart(lre))});
  const Scatter by_range = LreRangeScatter(lre);
  if (!by_range.guide.empty())
    figures.push_back({"By the number of objects", kRangeCaption, ScatterSpec(by_range)});
  return {LreHead(lre), figures};
}

std::string LreText(const LreResult& lre) {
  std::string text;
  const LreSummary& summary = lre.summary;
  int name_width = 20, layer_width = 6;
  bool has_std = false;
  for (const RelationResult& r : lre.relations) {
    name_width = std::max(name_width, Length(VisibleText(r.name)) + 1);
    if (Differs(r, &TrialResult::layer) || Differs(r, &TrialResult::causal_layer)) layer_width = 8;
    has_std = has_std || r.chosen.faithfulness.std || r.chosen.causality.std;
  }
  if (summary.relations > 0) {
    text = fmt::format("{:<{}}{:>6}{:>7}{:>12}{:>{}}{:>5}{:>12}{:>{}}{:>6}\n", "relation",
                       name_width, "known", "chance", "faithful", "layer", layer_width, "beta",
                       "causal", "layer", layer_width, "rank");
  }
  for (const RelationResult& r : Sorted(lre.relations)) {
    const bool by_faith = Differs(r, &TrialResult::layer),
               by_cause = Differs(r, &TrialResult::causal_layer);
    text += fmt::format(
        "{:<{}}{:>6.4g}{:>7.1f}{:>12}{:>{}}{:>5}{:>12}{:>{}}{:>6}\n", VisibleText(r.name),
        name_width, r.known, r.chance, MeanAndStd(r.chosen.faithfulness),
        by_faith ? "differs" : LayerName(r.layer), layer_width,
        by_faith ? "-" : fmt::format("{:.3g}", r.chosen.beta), MeanAndStd(r.chosen.causality),
        by_cause ? "differs" : LayerName(r.causal_layer), layer_width,
        by_cause ? "-" : fmt::format("{:.3g}", r.chosen.rank));
    text += DifferingLine(r, "faithful", &TrialResult::layer, &LreMeans::faithfulness, "beta",
                          &LreMeans::beta);
    text += DifferingLine(r, "causal", &TrialResult::causal_layer, &LreMeans::causality, "rank",
                          &LreMeans::rank);
  }
  if (has_std) text += "Percent. ± is followed by one standard deviation over trials.\n";
  if (summary.relations > 1)
    text += fmt::format(
        "{}: faithfulness {} %, causality {} %.{}\n", Count(summary.relations, "relation"),
        MeanAndInterval(summary, summary.faithfulness), MeanAndInterval(summary, summary.causality),
        ShowsIntervals(summary) ? " Brackets are 95% intervals over relations." : "");
  for (const auto& [what, reason] : summary.skipped)
    text += fmt::format("skipped {}: {}\n", VisibleText(what), reason);
  return text;
}

}  // namespace mambascope
