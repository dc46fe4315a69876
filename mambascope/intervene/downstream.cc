#include "mambascope/intervene/downstream.h"

#include <fmt/format.h>

#include <algorithm>

#include "mambascope/error.h"
#include "mambascope/intervene/check.h"

namespace mambascope {
namespace {

void CheckWork(const Model& model, const std::vector<SweepBase>& bases, const std::vector<SweepCase>& cases) {
  if (bases.empty()) throw Error("no prompt was given");
  for (const SweepBase& base : bases) {
    CheckPrompts({base.ids});
    CheckBase(model, base.variant, static_cast<int64_t>(base.ids.size()));
  }
  for (const SweepCase& c : cases) {
    if (c.base >= bases.size()) throw Error(fmt::format("a case names base run {} of {}", c.base, bases.size()));
    const auto tokens = static_cast<int64_t>(bases[c.base].ids.size());
    CheckVariant(model, c.variant, tokens);
    for (int64_t token : c.read) CheckToken(token, tokens);
  }
}

}  // namespace

int FirstLayer(const StateId& at) { return at.site == Site::kResid || at.site == Site::kEmbed ? at.layer + 1 : at.layer; }

CutCarries CutCarriesOf(const Model& model, const SweepBase& base, const Cone& cone) {
  CutCarries carries;
  if (!cone.continues(model) || model.config().ssm.d_inner == 0) return carries;
  const std::vector<const Variant*> variants = {&base.variant, &cone.work->variant};
  for (int layer : CutLayers(variants, cone.layer)) {
    for (const CutTokens& cut : CutsAt(layer, variants, cone.first, cone.end)) {
      std::vector<Sources> before = Before(cut.hidden, cone.first);
      if (!before.empty()) carries[layer].insert(std::move(before));
    }
  }
  return carries;
}

Cone ConeOf(const Model& model, const SweepBase& base, const SweepCase& work, size_t index) {
  const auto tokens = static_cast<int64_t>(base.ids.size());
  const auto [low, high] = std::minmax_element(work.read.begin(), work.read.end());
  const bool last = work.read.empty();
  Cone cone{&work, index, model.layers(), last ? tokens - 1 : *low, last ? tokens : *high + 1};
  const auto widen = [&](int layer, int64_t token) {
    cone.layer = std::min(cone.layer, layer);
    cone.first = std::min(cone.first, token);
  };
  for (const Intervention& intervention : work.variant) {  // a Hold changes nothing by itself
    std::visit(Overload{[&](const Set& set) { widen(FirstLayer(set.at), set.at.token); },
                        [&](const Add& add) { widen(FirstLayer(add.at), add.at.token); }, [](const Hold&) {},
                        [&](const Cut& cut) {
                          const int64_t first = FirstToken(cut, tokens);
                          if (first == tokens) return;
                          widen(cut.layer, first);
                          if (ReadsLater(cut)) cone.end = tokens;
                        }},
               intervention);
  }
  for (const Intervention& intervention : base.variant) {
    const auto* cut = std::get_if<Cut>(&intervention);
    if (cut == nullptr || cut->layer < cone.layer || !ReadsLater(*cut) || FirstToken(*cut, tokens) == tokens) continue;
    cone.first = std::min(cone.first, FirstToken(*cut, tokens));
    cone.end = tokens;
  }
  return cone;
}

std::vector<Cone> ConesOf(const Model& model, const std::vector<SweepBase>& bases, const std::vector<SweepCase>& cases) {
  CheckWork(model, bases, cases);
  std::vector<Cone> cones;
  for (size_t i = 0; i < cases.size(); ++i) cones.push_back(ConeOf(model, bases[cases[i].base], cases[i], i));
  return cones;
}

}  // namespace mambascope
