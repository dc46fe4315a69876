#include "mambascope/cli/serve_session.h"

#include "mambascope/cli/edit_places.h"
#include "mambascope/data/prompt.h"
#include "mambascope/experiments/tracing/trace.h"
#include "mambascope/figures/colour_scale.h"
#include "mambascope/reports/trace_figures.h"

namespace mambascope {
namespace {

constexpr size_t kExamplesOfRelation = 25, kExamples = 600;

Json ProjectionsJson(const Model& model) {
  Json projections = Json::array();
  for (const std::string& name : model.projections())
    projections.push_back({{"name", name}, {"layers", model.LayersWith(name)}});
  return projections;
}

// Where an edit goes unless the user says else; null for a model without editable weights.
Json EditJson(const Model& model) {
  if (model.projections().empty()) return {};
  const EditPlace place = ChoosePlaces("", {}, EditRun::kRome, model).places.at(0);
  return {{"layer", place.layer}, {"projection", place.projection}};
}

// The colours of the site's heat map, as figures have them.
Json RampsJson(const std::vector<std::string>& sites, const Model& model) {
  Json ramps = Json::object();
  for (const std::string& site : sites) {
    const Scheme& scheme =
        ColourScheme(Grid{.scheme = SchemeForSite(ParseSite(site, model.sites()))});
    ramps[site] = {{"on_white", scheme.ramp}, {"on_black", scheme.on_black()}};
  }
  return ramps;
}

Json ModelJson(const std::string& name, const Model& model) {
  const std::vector<std::string> traced = PublishedSites(model);
  return {{"name", name},
          {"layers", model.layers()},
          {"traced_sites", traced},
          {"ramps", RampsJson(traced, model)},
          {"mixers",
           {{"mamba", model.LayersWith(MixerKind::kScan)},
            {"attention", model.LayersWith(MixerKind::kAttention)}}},
          {"projections", ProjectionsJson(model)},
          {"edit", EditJson(model)},
          {"attention_layer", model.layers() / 2}};
}

// Facts to try: some of each relation. Subjects of as many tokens corrupt each other best.
Json ExamplesJson(const std::vector<Fact>& facts, const Tokenizer& tokenizer) {
  std::map<std::string, size_t> taken;
  Json examples = Json::array();
  for (const Fact& fact : facts) {
    if (examples.size() >= kExamples) break;
    if (++taken[fact.relation] > kExamplesOfRelation) continue;
    const Span subject = MakePrompt(tokenizer, fact.pattern, fact.subject).subject_span;
    examples.push_back({{"relation", fact.relation},
                        {"pattern", fact.pattern},
                        {"subject", fact.subject},
                        {"object", fact.object},
                        {"tokens", subject.end - subject.begin}});
  }
  return examples;
}

}  // namespace

Json SessionJson(const ServedModels& models, const std::vector<Fact>& facts) {
  Json session = {{"models", Json::array()},
                  {"examples", ExamplesJson(facts, *models.models[0].kept.tokenizer)},
                  {"max_tokens", models.max_tokens}};
  for (const ServedModel& one : models.models)
    session["models"].push_back(ModelJson(one.name, one.kept.model));
  return session;
}

}  // namespace mambascope
