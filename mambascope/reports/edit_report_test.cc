// Sweeps of edits against means and intervals worked out by hand, and as a browser draws them.
#include "mambascope/reports/edit_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "mambascope/experiments/statistics.h"
#include "mambascope/figures/browser_test_support.h"

namespace mambascope {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr double kT3 = 3.18245;  // Student's 97.5 % quantile, of 3 degrees of freedom

Json Measures(const Json& es, const Json& ps, const Json& ns) {
  return {{"ES", es}, {"PS", ps}, {"NS", ns}, {"ED", 0.25}, {"PD", -0.5}, {"ND", 0.125}, {"EA", 1}, {"PA", 0.5}, {"NA", 0}};
}

Json Edit(const std::string& projection, int layer, Json measures) {
  measures.update({{"projection", projection},
                   {"layer", layer},
                   {"steps", 10},
                   {"loss", 0.04},
                   {"p", 0.9},
                   {"stopped", "loss"},
                   {"change_norm", 1.5},
                   {"weight_norm", 30},
                   {"seconds", 0.25}});
  return measures;
}

Json Line(int case_id, const Json& pre, const std::vector<Json>& edits) {
  return {{"case_id", case_id}, {"relation", "composer"}, {"prompt", "The composer of {} was"},
          {"subject", "Tosca"}, {"target_new", "Bach"},   {"target_true", "Verdi"},
          {"pre", pre},         {"edits", edits}};
}

// Four records; ES, PS and NS of W_o at layer 2 are 75 percent each, and PS + NS are 150 in every record.
EditSweep SmallSweep() {
  const std::vector<double> es = {1, 1, 1, 0}, ps = {0.5, 1, 0.5, 1}, ns = {1, 0.5, 1, 0.5};
  EditSweep sweep{.options = {{"model", "demo"}}, .lines = {}};
  for (int r = 0; r < 4; ++r) {
    std::vector<Json> edits = {Edit("W_o", 10, Measures(1, 0.25, 1)), Edit("W_o", 2, Measures(es[r], ps[r], ns[r])),
                               Edit("W_a", 2, Measures(0, 0.5, 0.5))};
    if (r > 0) std::reverse(edits.begin(), edits.end());
    sweep.lines.push_back(Line(r, Measures(0, 0.25, r < 2 ? 1 : 0.5), edits));
  }
  return sweep;
}

std::vector<std::string> Places(const Json& json) {
  std::vector<std::string> places;
  for (const Json& row : json.at("sweep")) places.push_back(row["projection"].get<std::string>() + std::to_string(row["layer"].get<int>()));
  return places;
}

TEST(EditSweepJsonTest, HoldsMeansInPercentWorkedOutByHand) {
  const Json json = EditSweepJson(SmallSweep()), row = json["sweep"][0];
  for (const char* key : {"ES", "PS", "NS", "S"}) EXPECT_DOUBLE_EQ(row[key].get<double>(), 75) << key;
  EXPECT_EQ((std::vector<double>{row["ED"], row["PD"], row["ND"], row["EA"], row["PA"], row["NA"]}),
            (std::vector<double>{25, -50, 12.5, 100, 50, 0}));
  EXPECT_EQ(row["records"], 4);
  EXPECT_EQ(json["pre"]["records"], 4);
  EXPECT_EQ(json["pre"]["PS"], 25);
  EXPECT_EQ(json["pre"]["NS"], 75);
  EXPECT_EQ(json["pre"]["S"], 0) << "the harmonic mean with an ES of 0";
  EXPECT_DOUBLE_EQ(json["sweep"][1]["S"].get<double>(), 50) << "3 / (1/100 + 1/25 + 1/100)";
}

TEST(EditSweepJsonTest, HoldsIntervalsWorkedOutByHand) {
  const Json ci95 = EditSweepJson(SmallSweep())["sweep"][0]["ci95"];
  // 100, 100, 100, 0: variance 2500, standard error 25.
  EXPECT_EQ(ci95["ES"], Json::array({0.0, 100.0})) << "75 - 79.6 and 75 + 79.6: shares have bounds";
  // Each of the three counts a third, and what PS gains NS loses.
  EXPECT_NEAR(ci95["S"][0].get<double>(), 75 - kT3 * 25 / 3, 0.1);
  EXPECT_EQ(ci95["S"][1], 100) << "75 + 26.5";
}

TEST(EditSweepJsonTest, HoldsWhatEditsTook) {
  EditSweep sweep = SmallSweep();
  Json& edit = sweep.lines[0]["edits"][1];  // W_o at layer 2
  edit.update({{"stopped", "steps"}, {"steps", 20}, {"seconds", 1.25}, {"change_norm", 3.5}});
  const Json row = EditSweepJson(sweep)["sweep"][0];
  EXPECT_EQ(row["stopped"], (Json{{"loss", 3}, {"probability", 0}, {"steps", 1}}));
  EXPECT_EQ((std::vector<double>{row["steps"], row["seconds_per_edit"], row["change_norm"], row["weight_norm"]}),
            (std::vector<double>{12.5, 0.5, 2, 30}));
}

TEST(EditSweepJsonTest, OrdersProjectionsAsTheyComeAndLayersUpwards) {
  const Json json = EditSweepJson(SmallSweep());
  EXPECT_THAT(Places(json), ElementsAre("W_o2", "W_o10", "W_a2"));
  EXPECT_EQ(json["best"], (Json{{"layer", 2}, {"projection", "W_o"}, {"S", json["sweep"][0]["S"]}}));
}

TEST(EditSweepJsonTest, LeavesOutRecordsWithoutPromptsOfAKind) {
  EditSweep sweep = SmallSweep();
  sweep.lines[0]["pre"]["NS"] = nullptr;
  sweep.lines[1]["pre"].erase("NS");
  for (Json& line : sweep.lines) {
    for (Json& edit : line["edits"]) edit["PS"] = nullptr;
  }
  const Json json = EditSweepJson(sweep);
  EXPECT_EQ(json["pre"]["NS"], 50) << "of the last two";
  EXPECT_EQ(json["pre"]["records"], 4);
  EXPECT_EQ(json["sweep"][0]["ES"], 75);
  for (const char* key : {"PS", "S"}) {
    EXPECT_TRUE(json["sweep"][0][key].is_null()) << key;
    EXPECT_TRUE(json["sweep"][0]["ci95"][key].is_null()) << key;
  }
  EXPECT_TRUE(json["best"].is_null());
}

TEST(EditSweepJsonTest, GivesNoIntervalOfOneRecord) {
  EditSweep sweep = SmallSweep();
  sweep.lines.resize(1);
  const Json row = EditSweepJson(sweep)["sweep"][0];
  EXPECT_EQ(row["ES"], 100);
  EXPECT_TRUE(row["S"].is_number());
  for (const char* key : {"ES", "S"}) EXPECT_TRUE(row["ci95"][key].is_null()) << key;
}

TEST(EditSweepJsonTest, HoldsMeasuresOfTextsWhereSomeLineHasThem) {
  EditSweep sweep = SmallSweep();
  EXPECT_FALSE(EditSweepJson(sweep)["sweep"][0].contains("entropy"));
  sweep.lines[0]["edits"][1].update({{"entropy", 6}, {"reference", nullptr}});
  sweep.lines[1]["edits"][1].update({{"entropy", 5}, {"reference", nullptr}});  // reversed, but in the middle too
  const Json row = EditSweepJson(sweep)["sweep"][0];
  EXPECT_EQ(row["entropy"], 550);
  EXPECT_FALSE(row.contains("reference"));
}

TEST(EditSweepJsonTest, KeepsLinesButTheMarkOfTheirFile) {
  EditSweep sweep = SmallSweep();
  const Json lines = sweep.lines;
  for (Json& line : sweep.lines) line["made_by"] = "0123";
  EXPECT_EQ(EditSweepJson(sweep)["records"], lines);
}

// Shares as a 16-layer model has them: W_o good early, W_a in the middle, W_g failing from the middle on; edits at the last layer do
// nothing.
EditSweep RealisticSweep(int layers, int records) {
  std::mt19937 random(7);
  auto share = [&](double p, int prompts) {
    return std::binomial_distribution<int>(prompts, std::clamp(p, 0.0, 1.0))(random) / double(prompts);
  };
  EditSweep sweep{.options = {{"model", "demo"}, {"command", "edit"}, {"seed", 0}, {"counterfact", "data/demo/<b>counterfact</b>.json"}},
                  .lines = {}};
  for (int r = 0; r < records; ++r) {
    std::vector<Json> edits;
    for (const std::string projection : {"W_a", "W_g", "W_o"}) {
      for (int l = 0; l < layers; ++l) {
        const double depth = double(l) / (layers - 1), reach = depth > 0.95 ? 0 : 1 - std::pow(depth, projection == "W_a" ? 8 : 4);
        const double fade = projection == "W_g" ? std::clamp(1.6 - 2 * depth, 0.1, 1.0) : 1;
        const double general = projection == "W_a" ? 0.5 + std::min(0.45, depth) : 0.93;
        Json edit = Edit(projection, l,
                         Measures(share(0.02 + 0.98 * reach * fade, 1), share(0.07 + 0.9 * reach * fade * general, 2),
                                  share(0.89 - (projection == "W_g" ? 0.02 : 0.25) * depth * reach, 10)));
        edit["steps"] = static_cast<int>(8 + 12 * depth) + share(0.5, 3) * 3;
        edit["change_norm"] = 0.5 + 6 * depth * depth + 0.2 * share(0.5, 5);
        edits.push_back(edit);
      }
    }
    sweep.lines.push_back(Line(r, Measures(share(0.05, 1), share(0.12, 2), share(0.9, 10)), edits));
  }
  return sweep;
}

// The jackknife: S without each record in turn.
double JackknifeError(const EditSweep& sweep, int row) {
  std::vector<double> scores;
  for (size_t left_out = 0; left_out < sweep.lines.size(); ++left_out) {
    std::vector<double> inverse = {0, 0, 0};
    for (size_t r = 0; r < sweep.lines.size(); ++r) {
      if (r == left_out) continue;
      const Json& edit = sweep.lines[r]["edits"][row];
      for (int k = 0; k < 3; ++k) inverse[k] += edit[std::vector{"ES", "PS", "NS"}[k]].get<double>() / (sweep.lines.size() - 1.0);
    }
    scores.push_back(300 / (1 / inverse[0] + 1 / inverse[1] + 1 / inverse[2]));
  }
  const double mean = Mean(scores), n = scores.size();
  double squares = 0;
  for (double s : scores) squares += (s - mean) * (s - mean);
  return std::sqrt((n - 1) / n * squares);
}

TEST(EditSweepJsonTest, IntervalOfSIsTheJackknifes) {
  const EditSweep sweep = RealisticSweep(6, 150);
  const Json json = EditSweepJson(sweep);
  for (int row : {0, 3, 9, 16}) {
    const Json interval = json["sweep"][row]["ci95"]["S"];
    const double half = (interval[1].get<double>() - interval[0].get<double>()) / 2;
    EXPECT_NEAR(half / StudentT(149), JackknifeError(sweep, row), 0.03 * half) << row;
  }
}

TEST(EditSweepTextTest, ListsLayersByProjectionAndMarksTheBest) {
  EXPECT_EQ(EditSweepText(SmallSweep()),
            "     layer      ES      PS      NS       S\n"
            "  unedited    0.00   25.00   75.00    0.00\n"
            "W_o\n"
            "         2   75.00   75.00   75.00   75.00  * best\n"
            "        10  100.00   25.00  100.00   50.00\n"
            "W_a\n"
            "         2    0.00   50.00   50.00    0.00\n"
            "Percent, means over 4 records: too few to tell how often edits do this.\n");
}

TEST(EditSweepTextTest, LeavesLayersOutEvenlyButNeverTheBest) {
  const EditSweep sweep = RealisticSweep(64, 3);
  const std::string text = EditSweepText(sweep);
  EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 64);
  EXPECT_THAT(text, HasSubstr("One layer in 4 is shown"));
  EXPECT_THAT(text, HasSubstr("\n        60 "));
  EXPECT_THAT(text, Not(HasSubstr("\n        62 ")));
  const Json best = EditSweepJson(sweep)["best"];
  const std::string marked = text.substr(0, text.find("  * best\n"));
  EXPECT_THAT(marked.substr(marked.rfind('\n')), testing::StartsWith(fmt::format("\n{:>10} ", best["layer"].get<int>())));
}

TEST(EditSweepTextTest, SaysThatOneRecordIsNotMany) {
  EditSweep sweep = SmallSweep();
  sweep.lines.resize(1);
  sweep.lines[0]["edits"][2]["PS"] = nullptr;  // W_a
  EXPECT_THAT(EditSweepText(sweep), HasSubstr("Percent, of 1 record: "));
  EXPECT_THAT(EditSweepText(sweep), HasSubstr("         2    0.00       -   50.00       -\n"));
}

TEST(EditSweepChartsTest, HaveACurvePerProjectionAndTheUneditedModel) {
  const std::vector<LineChart> charts = EditSweepCharts(SmallSweep());
  std::vector<std::string> names;
  for (const LineChart& chart : charts) names.push_back(chart.name);
  EXPECT_THAT(names, ElementsAre("edit_S", "edit_ES", "edit_PS", "edit_NS", "edit_passes", "edit_change"));
  const LineChart& ps = charts[2];
  EXPECT_THAT(ps.x, ElementsAre("2", "10"));
  EXPECT_EQ(ps.subtitle, "demo; 4 records; bands: 95% confidence intervals");
  EXPECT_EQ(ps.domain, std::pair(0.0, 100.0));
  EXPECT_EQ(ps.references.at(0).value, 25);
  EXPECT_EQ(ps.curves[0].name, "W_o");
  EXPECT_THAT(ps.curves[0].values, ElementsAre(75, 25));
  EXPECT_THAT(ps.curves[1].values, ElementsAre(50, std::nullopt)) << "W_a has no layer 10";
  EXPECT_TRUE(ps.curves[0].band[0].has_value());
  EXPECT_FALSE(ps.curves[1].band[1].has_value());
  EXPECT_THAT(charts[4].curves[0].values, ElementsAre(10, 10));
  EXPECT_THAT(charts[5].curves[0].values, ElementsAre(5, 5)) << "1.5 of 30, in percent";
}

TEST(EditSweepPageTest, ShowsNumbersInsteadOfSinglePoints) {
  EditSweep sweep = SmallSweep();
  for (Json& line : sweep.lines) {
    line["edits"].erase(std::remove_if(line["edits"].begin(), line["edits"].end(), [](const Json& e) { return e["layer"] == 10; }),
                        line["edits"].end());
  }
  EXPECT_TRUE(EditSweepCharts(sweep).empty());
  const std::string page = EditSweepPage(sweep);
  EXPECT_THAT(page, HasSubstr("<dt>W_o, layer 2</dt><dd>S 75.00 ["));
  EXPECT_THAT(page, HasSubstr("<dt>W_a, layer 2</dt><dd>S 0.00, ES 0.00 ["));
  EXPECT_THAT(page, Not(HasSubstr("<section")));
}

class EditSweepInABrowser : public BrowserTest {};

constexpr char kProbe[] = R"(
setTimeout(() => {
  const count = (figure, what) => document.querySelectorAll(`#figure-${figure} ${what}`).length;
  const figures = [1, 2, 3, 4, 5, 6];
  const bands = figure => [...document.querySelectorAll(`#figure-${figure} g.mark-area > path`)].filter(band => band.getAttribute('d')).length;
  const dashed = figure => [...document.querySelectorAll(`#figure-${figure} .mark-rule > *`)].filter(r => r.getAttribute('stroke-dasharray')).length;
  Object.assign(document.documentElement.dataset, {lines: figures.map(figure => count(figure, 'g.mark-line > path')),
                                                   bands: figures.map(bands), dashed: figures.map(dashed)});
}, 6000);
)";

TEST_F(EditSweepInABrowser, DrawsSixFiguresOfOddlyNamedProjections) {
  EditSweep sweep = RealisticSweep(8, 40);
  for (Json& line : sweep.lines) {
    line["subject"] = "</script>\"\xf0\x9f";
    for (Json& edit : line["edits"]) {
      if (edit["projection"] == "W_g") edit["projection"] = "</script><i>W[\"g\"].x";
    }
  }
  const std::string dom = Open(EditSweepPage(sweep), kProbe);
  const std::string root = Root(dom);
  EXPECT_THAT(root, HasSubstr("data-state=\"drawn\""));
  EXPECT_THAT(root, HasSubstr("data-lines=\"3,3,3,3,3,3\""));
  EXPECT_THAT(root, HasSubstr("data-bands=\"3,3,3,3,0,0\""));
  EXPECT_THAT(root, HasSubstr("data-dashed=\"1,1,1,1,0,0\""));
  EXPECT_THAT(dom, HasSubstr("&lt;b&gt;counterfact"));
  EXPECT_THAT(dom, Not(HasSubstr("class=\"error\"")));
}

}  // namespace
}  // namespace mambascope
