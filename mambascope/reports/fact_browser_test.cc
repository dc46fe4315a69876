// The facts of traces made up by hand, as JSON and as a browser shows them.
#include "mambascope/reports/fact_browser.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "mambascope/figures/browser_test_support.h"
#include "mambascope/figures/heat_map.h"
#include "mambascope/figures/page.h"
#include "mambascope/reports/trace_figures.h"
#include "mambascope/reports/traced_fact_test_support.h"

namespace mambascope {
namespace {

using testing::HasSubstr;
using testing::Not;

TracedFact BrowsedFact(const std::string& subject, double p_corrupt = 0.25) {
  TracedFact fact = MakeTracedFact(subject);
  fact.answer = " home";
  fact.p_corrupt = p_corrupt;
  return fact;
}

TraceResult BrowsedTrace(Site site, const std::vector<TracedFact>& facts) {
  TraceResult result{.options = {{"model", "models/tiny"}}, .site = site, .facts = {}};
  for (const TracedFact& fact : facts)
    result.facts.push_back(
        {.fact = fact, .probs = {{0.375, 0.25}, {0.25, std::nullopt}, {0.25, 0.4375}}});
  result.summary = SummarizeTraces(result.facts);
  return result;
}

Json BrowserJson(const std::vector<TraceResult>& traces) {
  std::vector<const TraceResult*> pointers;
  for (const TraceResult& trace : traces) pointers.push_back(&trace);
  return FactBrowserJson(pointers);
}

// The fact with this prompt.
Json FactNamed(const Json& json, const std::string& prompt) {
  for (const Json& fact : json.at("facts")) {
    if (fact.at("prompt") == prompt) return fact;
  }
  ADD_FAILURE() << "there is no fact " << prompt;
  return {};
}

TEST(FactBrowserTest, FactsOfTwoSitesAreMerged) {
  const Json json =
      BrowserJson({BrowsedTrace(Site::kResid, {BrowsedFact("Paris"), BrowsedFact("Oslo")}),
                   BrowsedTrace(Site::kGate, {BrowsedFact("Oslo"), BrowsedFact("Bern")})});
  ASSERT_EQ(json["panels"].size(), 2u);
  EXPECT_EQ(json["panels"][0]["name"], "tiny, resid");
  EXPECT_EQ(json["panels"][1]["name"], "tiny, gate");
  EXPECT_EQ(json["panels"][0]["layers"], (Json{"0", "1"}));
  ASSERT_EQ(json["facts"].size(), 3u);
  const auto has = [&](const char* prompt) {
    const Json panels = FactNamed(json, prompt)["panels"];
    EXPECT_EQ(panels.size(), 2u) << prompt;
    return std::pair(!panels[0].is_null(), !panels[1].is_null());
  };
  EXPECT_EQ(has("Paris is in"), std::pair(true, false));
  EXPECT_EQ(has("Oslo is in"), std::pair(true, true));
  EXPECT_EQ(has("Bern is in"), std::pair(false, true));
}

TEST(FactBrowserTest, AFactHasItsWordsAndCells) {
  const Json json = BrowserJson({BrowsedTrace(Site::kResid, {BrowsedFact("Paris")})});
  EXPECT_EQ(json["value"], "p(answer)");
  EXPECT_EQ(json["facts"][0], ParseJson(R"({"relation": "city", "prompt": "Paris is in",
      "tokens": ["Paris", " is", " in"], "subject": [0, 1], "corrupt": "Rome", "answer": " home",
      "effect": 0.25, "panels": [{"clean": 0.5, "corrupted": 0.25,
      "cells": [[0.375, 0.25], [0.25, null], [0.25, 0.4375]]}]})",
                                        "text"));
}

TEST(FactBrowserTest, APanelHasTheAverageOfItsTrace) {
  const TraceResult trace = BrowsedTrace(Site::kGate, {BrowsedFact("Paris"), BrowsedFact("Oslo")});
  const Json panel = BrowserJson({trace})["panels"][0];
  EXPECT_EQ(panel["rows"].size(), kTraceRows.size());
  EXPECT_EQ(panel["average"], Json(trace.summary.average.ie));
  EXPECT_EQ(panel["ramp"].size(), 9u);
  EXPECT_NE(panel["ramp"], panel["ramp_on_black"]);
  EXPECT_NE(panel["ramp"], BrowserJson({BrowsedTrace(Site::kResid, {BrowsedFact("Paris")})})
                               .at("/panels/0/ramp"_json_pointer));
}

TEST(FactBrowserTest, WithoutAnAverageThereAreOnlyFacts) {
  const Json json = BrowserJson({BrowsedTrace(Site::kGate, {BrowsedFact("Paris", 0.5)})});
  EXPECT_EQ(json["panels"][0]["average"], Json::array());
  EXPECT_EQ(json["facts"].size(), 1u);
}

TEST(FactBrowserTest, TheEffectIsTheLargestInAnyPanel) {
  const Json json = BrowserJson({BrowsedTrace(Site::kResid, {BrowsedFact("Oslo", 0.25)}),
                                 BrowsedTrace(Site::kGate, {BrowsedFact("Oslo", 0.125)}),
                                 BrowsedTrace(Site::kMixerOut, {BrowsedFact("Oslo", 0.375)})});
  EXPECT_EQ(json["facts"][0]["effect"], 0.375);
}

TEST(FactBrowserTest, NumbersHaveFourDigits) {
  TraceResult trace = BrowsedTrace(Site::kResid, {BrowsedFact("Paris")});
  trace.facts[0].fact.p_clean = 0.123456;
  trace.facts[0].fact.p_corrupt = 0;
  trace.facts[0].probs = {{0.000123456, 0.99996}, {1.23456e-12, NAN}, {-0.123449, 1}};
  const Json json = BrowserJson({trace})["facts"][0];
  EXPECT_EQ(json["effect"], 0.1235);
  EXPECT_EQ(json["panels"][0], ParseJson(R"({"clean": 0.1235, "corrupted": 0,
                "cells": [[0.0001235, 1.0], [1.235e-12, null], [-0.1234, 1.0]]})",
                                         "text"));
}

TEST(FactBrowserTest, AnotherCorruptionIsAnotherFact) {
  TracedFact other = BrowsedFact("Paris");
  other.corrupt->subject = "Bern";
  other.corrupt->text = "Bern is in";
  TracedFact noisy = BrowsedFact("Paris");
  noisy.corrupt.reset();
  TraceResult noise = BrowsedTrace(Site::kResid, {noisy});
  noise.options["noise"] = 3;
  const Json json = BrowserJson({BrowsedTrace(Site::kResid, {BrowsedFact("Paris"), other}), noise});
  ASSERT_EQ(json["facts"].size(), 3u);
  EXPECT_EQ(json["facts"][1]["corrupt"], "Bern");
  EXPECT_EQ(json["facts"][2]["corrupt"], "noise of 3 standard deviations");
}

TEST(FactBrowserTest, WindowsAreNamed) {
  TraceResult trace = BrowsedTrace(Site::kSsmOut, {BrowsedFact("Paris")});
  trace.window = 3;
  EXPECT_EQ(BrowserJson({trace})["panels"][0]["name"], "tiny, ssm_out, window 3");
}

// Models may split a prompt into different tokens.
TEST(FactBrowserTest, EveryRowOfCellsHasItsToken) {
  TracedFact split = BrowsedFact("Paris");
  split.clean.ids = {5, 6, 2, 3};
  split.clean.tokens = {"Par", "is", " is", " in"};
  split.clean.subject_span = {0, 2};
  TraceResult other = BrowsedTrace(Site::kResid, {split});
  other.facts[0].probs.push_back({0.25, 0.25});
  other.options["model"] = "other";
  const Json json = BrowserJson({BrowsedTrace(Site::kResid, {BrowsedFact("Paris")}), other});
  for (const Json& fact : json["facts"]) {
    for (const Json& panel : fact["panels"]) {
      if (panel.is_null()) continue;
      EXPECT_EQ(panel.value("tokens", fact["tokens"]).size(), panel["cells"].size());
    }
  }
}

TEST(FactBrowserTest, IsNullWithoutFacts) {
  EXPECT_TRUE(FactBrowserJson({}).is_null());
  EXPECT_TRUE(BrowserJson({BrowsedTrace(Site::kResid, {})}).is_null());
  TraceResult logits = BrowsedTrace(Site::kResid, {BrowsedFact("Paris")});
  logits.metric = Metric::kLogitDiff;
  EXPECT_TRUE(BrowserJson({logits}).is_null()) << "cells are probabilities";
}

// 400 facts of 11 tokens at 4 sites of 64 layers, with realistic numbers.
TEST(FactBrowserTest, ManyFactsMakeAPageOfLessThan15Megabytes) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<TraceResult> traces;
  for (const Site site : {Site::kResid, Site::kMixerOut, Site::kSsmOut, Site::kGate}) {
    TraceResult trace{.options = {{"model", "models/tiny"}}, .site = site, .facts = {}};
    for (int f = 0; f < 400; ++f) {
      FactTrace one{.fact = BrowsedFact(fmt::format("Subject {}", f)), .probs = {}};
      one.fact.clean.tokens = std::vector<std::string>(11, " token");
      for (int t = 0; t < 11; ++t) {
        one.probs.emplace_back();
        for (int l = 0; l < 64; ++l) one.probs.back().emplace_back(std::pow(uniform(random), 4));
      }
      trace.facts.push_back(std::move(one));
    }
    trace.summary = SummarizeTraces(trace.facts);
    traces.push_back(std::move(trace));
  }
  const Json json = BrowserJson(traces);
  ASSERT_EQ(json["facts"].size(), 400u);
  ASSERT_EQ(json["facts"][399]["panels"][3]["cells"].size(), 11u);
  EXPECT_LT(HtmlPage({.info = {.title = "many"}, .facts = json}).size(), 15'000'000u);
}

class FactBrowserInABrowser : public BrowserTest {
 protected:
  // Two cities and a river, which have effects of 0.25, 0.375 and 0.125.
  static std::string PageOfThreeFacts() {
    TracedFact nile = BrowsedFact("Nile", 0.375);
    nile.relation = "river";
    nile.answer = " Africa";
    const std::vector<TracedFact> facts = {BrowsedFact("Paris"), BrowsedFact("Oslo", 0.125), nile};
    const TraceResult resid = BrowsedTrace(Site::kResid, facts),
                      gate = BrowsedTrace(Site::kGate, {facts[0]});
    return HtmlPage({.info = {.title = "three facts"},
                     .chapters = {{.heading = "Causal tracing",
                                   .rows = {{{.heading = "Average",
                                              .caption = "",
                                              .spec = HeatMap(AverageHeatMap(resid))}}}}},
                     .facts = FactBrowserJson({&resid, &gate})});
  }
};

// What the browser shows after each of a reader's steps is noted in attributes of the root.
constexpr char kFactsProbe[] = R"(
const root = document.documentElement, note = notes => Object.assign(root.dataset, notes);
addEventListener('error', event => note({error: event.message}));
addEventListener('unhandledrejection', event => note({error: String(event.reason)}));
const facts = document.querySelector('#facts'), at = selector => facts.querySelector(selector);
const listed = () => [...at('#facts-list').options].map(option => option.textContent.replace(/ is in.*/, '')).join();
const chosen = () => at('.detail h3')?.textContent ?? at('.detail').textContent;
const fill = () => at('.maps rect').getAttribute('fill');
const set = (selector, value, event) => {
  at(selector).value = value;
  at(selector).dispatchEvent(new Event(event));
};
const press = key => {
  at('.maps svg').dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
  return at('.cell').textContent;
};
setTimeout(() => {
  note({begun: facts.dataset.state, all: listed(), chosen: chosen(), count: at('.count').textContent});
  set('#facts-search', 'NILE africa', 'input');
  note({found: listed(), foundChosen: chosen(), foundCount: at('.count').textContent});
  set('#facts-search', 'nowhere', 'input');
  note({none: listed(), noneChosen: chosen()});
  set('#facts-search', '', 'input');
  set('#facts-relation', 'city', 'change');
  note({cities: listed()});
  set('#facts-relation', '', 'change');
  set('#facts-order', 'small', 'change');
  note({smallest: listed()});
  set('#facts-order', 'data', 'change');
  note({given: listed()});
  set('#facts-list', '0', 'change');
  note({picked: chosen(), marked: at('.tokens mark').textContent, maps: facts.querySelectorAll('.maps svg').length});
  note({hint: at('.cell').textContent, first: press('ArrowDown'), down: press('ArrowDown'), right: press('ArrowRight'),
        wall: press('ArrowRight'), up: press('ArrowUp')});
  const light = fill();
  document.querySelector('#theme').click();
  note({recoloured: light !== fill(), still: chosen(), stateAfterTheme: facts.dataset.state});
}, 4000);
)";

TEST_F(FactBrowserInABrowser, FollowsItsReader) {
  const std::string root = Root(Open(PageOfThreeFacts(), kFactsProbe));
  const auto expect = [&](const std::string& name, const std::string& value) {
    EXPECT_THAT(root, HasSubstr(fmt::format("data-{}=\"{}\"", name, value)));
  };
  EXPECT_THAT(root, Not(HasSubstr("data-error")));
  expect("state", "drawn");
  expect("begun", "drawn");
  expect("all", "Oslo,Paris,Nile");
  expect("chosen", "Oslo is in \u2192 home");
  expect("count",
         "3 of 3 facts. The effect is the largest drop of p(answer) from the clean run "
         "to the corrupted run.");
  expect("found", "Nile");
  expect("found-chosen", "Nile is in \u2192 Africa");
  expect("found-count",
         "1 of 3 facts. The effect is the largest drop of p(answer) from the clean run "
         "to the corrupted run.");
  expect("none", "");
  expect("none-chosen", "No fact matches.");
  expect("cities", "Oslo,Paris");
  expect("smallest", "Nile,Paris,Oslo");
  expect("given", "Paris,Oslo,Nile");
  expect("picked", "Paris is in \u2192 home");
  expect("marked", "Paris");
  expect("maps", "3");
  EXPECT_THAT(root, HasSubstr("data-hint=\"Point at a cell"));
  const std::string cell =
      "tiny, resid: with {} restored in layer {}, p(answer) is {} (clean 0.5, "
      "corrupted 0.25).";
  expect("first", fmt::format(fmt::runtime(cell), "Paris", 0, "0.375"));
  expect("down", fmt::format(fmt::runtime(cell), "\u00b7is", 0, "0.25"));
  expect("right", fmt::format(fmt::runtime(cell), "\u00b7is", 1, "no value"));
  expect("wall", fmt::format(fmt::runtime(cell), "\u00b7is", 1, "no value"));
  expect("up", fmt::format(fmt::runtime(cell), "Paris", 1, "0.25"));
  expect("recoloured", "true");
  expect("still", "Paris is in \u2192 home");
  expect("state-after-theme", "drawn");
}

}  // namespace
}  // namespace mambascope
