#include "mambascope/reports/lre_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "mambascope/experiments/statistics.h"
#include "mambascope/figures/label.h"
#include "mambascope/figures/page.h"
#include "mambascope/reports/result_page.h"
#include "mambascope/figures/values.h"

namespace mambascope {
namespace {

constexpr std::array kBaselines = {"identity", "translation", "regression"};

std::string LayerName(const Json& layer) { return layer.is_string() ? layer.get<std::string>() : DumpJson(layer); }

// The most faithful first.
std::vector<Json> Sorted(const Json& lre) {
  std::vector<Json> relations = lre.at("relations").get<std::vector<Json>>();
  std::stable_sort(relations.begin(), relations.end(), [](const Json& a, const Json& b) { return a["faithfulness"] > b["faithfulness"]; });
  return relations;
}

// Over trials; none of one.
std::optional<double> StdOf(const Json& relation, const char* key) { return NumberOf(relation.value("std", Json::object()), key); }

// "93.3 ±4.7"
std::string WithStd(const Json& relation, const char* key) {
  const std::optional<double> std = StdOf(relation, key);
  return fmt::format("{:.1f}{}", relation.at(key).get<double>(), std ? fmt::format(" ±{:.1f}", *std) : "");
}

std::vector<double> ValuesOf(const Json& relations, const char* key) {
  std::vector<double> values;
  for (const Json& relation : relations) values.push_back(relation.at(key));
  return values;
}

// "44.6 [40.1, 49.0]": the mean over relations, and its interval.
std::string MeanText(const std::vector<double>& values) {
  const auto interval = CutAt100(Interval95(values));
  return fmt::format("{:.1f}{}", Mean(values), interval ? fmt::format(" [{:.1f}, {:.1f}]", interval->first, interval->second) : "");
}

Curve LayerCurve(const Json& relations, const char* key) {
  Curve curve{.name = key};
  for (size_t i = 0; i < relations[0].at("by_layer").size(); ++i) {
    std::vector<double> values;
    for (const Json& relation : relations) values.push_back(relation["by_layer"][i].at(key));
    curve.values.emplace_back(Mean(values));
    curve.band.push_back(CutAt100(Interval95(values)));
  }
  return curve;
}

// Relations, and trials of others, that were not measured, with the reasons.
std::vector<std::pair<std::string, std::string>> Skipped(const Json& lre) {
  std::vector<std::pair<std::string, std::string>> skipped;
  for (const Json& relation : lre.at("skipped")) skipped.emplace_back(relation.at("name"), relation.at("reason"));
  for (const Json& relation : lre.at("relations")) {
    const Json trials = relation.value("trials", Json::array());
    std::vector<std::string> reasons;
    for (const Json& trial : trials) {
      if (trial.contains("skipped")) reasons.push_back(trial["skipped"]);
    }
    if (!reasons.empty())
      skipped.emplace_back(
          fmt::format("{}, {} of {} trials, the first", relation.at("name").get<std::string>(), reasons.size(), trials.size()),
          reasons.front());
  }
  return skipped;
}

PageInfo Summary(const Json& lre) {
  const Json &options = lre.at("options"), &relations = lre.at("relations");
  PageInfo info{.title = "Linear relational embeddings", .summary = {{"model", options.value("model", "")}}};
  if (!relations.empty()) {
    info.summary.push_back({"relations", std::to_string(relations.size())});
    info.summary.push_back({"faithfulness", MeanText(ValuesOf(relations, "faithfulness")) + " %"});
    info.summary.push_back({"causality", MeanText(ValuesOf(relations, "causality")) + " %"});
    info.summary.push_back({"chance", MeanText(ValuesOf(relations, "chance")) + " %"});
  }
  if (relations.empty()) info.summary.push_back({"relations", "none could be measured"});
  constexpr size_t kFew = 5;  // more would push the figures off the screen
  const auto skipped = Skipped(lre);
  std::string names;
  for (const auto& [name, why] : skipped) {
    if (skipped.size() <= kFew) info.summary.push_back({"skipped", fmt::format("{}: {}", name, why)});
    names += (names.empty() ? "" : "; ") + name;
  }
  if (skipped.size() > kFew) info.summary.push_back({"skipped", fmt::format("{} (why: lre.json)", names)});
  info.summary.push_back({"options", OptionsLine(options)});
  return info;
}

constexpr const char* kRelationsCaption =
    "LRE: the share of test samples whose object the relation's operator says: an affine map from the subject's state at one layer to the "
    "last layer's, made from a few samples' Jacobians. Only samples that the model itself knows are tested. The layer is the one "
    "chosen in each trial (in brackets, the one most often chosen), for the other operators too: identity is the state itself, translation "
    "adds the mean difference, regression is the least-squares map of the same samples. A grey tick is chance, 1 / the number of distinct "
    "objects; a thin line is one standard deviation over trials either way. A relation whose blue dot stands far to the right of its tick "
    "and of the others is decoded linearly.";
constexpr const char* kLayersCaption =
    "Faithfulness: what the operator says; causality: the share of test samples whose answer becomes another sample's when the subject's "
    "state is moved by the operator's low-rank inverse. Beta and the rank are each layer's own. Bands: 95% confidence intervals over "
    "relations. Where causality falls, what comes after no longer reads the subject's state.";
constexpr const char* kRangeCaption =
    "A relation with few objects is easier to guess: the dashed curve is chance. Points high above it are linear for another reason. "
    "Colours are kinds of relations.";

}  // namespace

DotPlot LreRelationsPlot(const Json& lre) {
  DotPlot plot{.name = "lre_relations",
               .title = "Faithfulness by relation",
               .subtitle = fmt::format("{}; each trial at its chosen layer", lre.at("options").value("model", "")),
               .row_title = "relation",
               .value_title = "faithfulness (%)",
               .series = {{.name = "LRE"}},
               .domain = {0, 100}};
  for (const char* key : kBaselines) plot.series.push_back({.name = key});
  plot.series.push_back({.name = "chance", .is_reference = true});
  for (const Json& relation : Sorted(lre)) {
    plot.rows.push_back(fmt::format("{} ({})", relation.at("name").get<std::string>(), LayerName(relation.at("layer"))));
    plot.series.front().values.push_back(NumberOf(relation, "faithfulness"));
    plot.series.front().spreads.push_back(StdOf(relation, "faithfulness"));
    for (size_t i = 0; i < kBaselines.size(); ++i) plot.series[1 + i].values.push_back(NumberOf(relation, kBaselines[i]));
    plot.series.back().values.push_back(NumberOf(relation, "chance"));
  }
  return plot;
}

LineChart LreLayersChart(const Json& lre) {
  const Json& relations = lre.at("relations");
  LineChart chart{.name = "lre_layers",
                  .title = "Faithfulness and causality by layer",
                  .subtitle = fmt::format("{}; means over {} relations", lre.at("options").value("model", ""), relations.size()),
                  .x_title = "layer",
                  .y_title = "percent of test samples",
                  .curves = {LayerCurve(relations, "faithfulness"), LayerCurve(relations, "causality")},
                  .references = {{"chance", Mean(ValuesOf(relations, "chance"))}},
                  .domain = {{0.0, 100.0}}};
  for (const Json& layer : relations[0].at("by_layer")) chart.x.push_back(LayerName(layer.at("layer")));
  return chart;
}

Scatter LreRangeScatter(const Json& lre) {
  Scatter scatter{.name = "lre_range",
                  .title = "Faithfulness by the number of distinct objects",
                  .subtitle = lre.at("options").value("model", ""),
                  .x_title = "distinct objects",
                  .y_title = "faithfulness (%)",
                  .log_x = true,
                  .guide_label = "chance",
                  .domain = {{0.0, 100.0}}};
  double least = INFINITY, most = 0;
  for (const Json& relation : lre.at("relations")) {
    const double range = relation.at("range");
    scatter.points.push_back({relation.at("name"), relation.at("kind"), range, relation.at("faithfulness")});
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

std::string LrePage(const Json& lre) {
  if (lre.at("relations").empty()) return HtmlPage(Summary(lre), {});
  std::vector<Figure> figures = {{"By relation", kRelationsCaption, DotPlotSpec(LreRelationsPlot(lre))}};
  if (lre["relations"][0].at("by_layer").size() > 1) figures.push_back({"By layer", kLayersCaption, LineChartSpec(LreLayersChart(lre))});
  const Scatter by_range = LreRangeScatter(lre);
  if (!by_range.guide.empty()) figures.push_back({"By the number of objects", kRangeCaption, ScatterSpec(by_range)});
  return HtmlPage(Summary(lre), figures);
}

std::string LreText(const Json& lre) {
  std::string text;
  const std::vector<Json> relations = Sorted(lre);
  if (!relations.empty()) {
    text = fmt::format("{:<20}{:>6}{:>7}{:>12}{:>6}{:>5}{:>12}{:>6}{:>6}\n", "relation", "known", "chance", "faithful", "layer", "beta",
                       "causal", "layer", "rank");
  }
  for (const Json& r : relations) {
    text += fmt::format("{:<20.19}{:>6.4g}{:>7.1f}{:>12}{:>6}{:>5.3g}{:>12}{:>6}{:>6.3g}\n", VisibleText(r.at("name").get<std::string>()),
                        r.at("known").get<double>(), r.at("chance").get<double>(), WithStd(r, "faithfulness"), LayerName(r.at("layer")),
                        r.at("beta").get<double>(), WithStd(r, "causality"), LayerName(r.at("causal_layer")), r.at("rank").get<double>());
  }
  if (relations.size() > 1)
    text += fmt::format("{} relations: faithfulness {} %, causality {} %\n", relations.size(),
                        MeanText(ValuesOf(lre.at("relations"), "faithfulness")), MeanText(ValuesOf(lre.at("relations"), "causality")));
  for (const auto& [name, why] : Skipped(lre)) text += fmt::format("skipped {}: {}\n", VisibleText(name), why);
  return text;
}

}  // namespace mambascope
