#include "mambascope/intervene/downstream.h"

#include <fmt/format.h>

#include <algorithm>

#include "mambascope/error.h"
#include "mambascope/intervene/check.h"

namespace mambascope {
namespace {

void CheckWork(const Model& model, const std::vector<SweepBase>& bases,
               const std::vector<SweepCase>& cases) {
  if (bases.empty()) throw Error("no prompt was given");
  for (const SweepBase& base : bases) {
    CheckPrompts({base.ids});
    CheckBase(model, base.variant, static_cast<int64_t>(base.ids.size()));
  }
  for (const SweepCase& c : cases) {
    if (c.base >= bases.size())
      throw Error(
          fmt::format("base run {} of a case is out of range; the number of base runs is {}",
                      c.base, bases.size()));
    const auto tokens = static_cast<int64_t>(bases[c.base].ids.size());
    CheckVariant(model, c.variant, tokens);
    for (int64_t token : c.read) CheckToken(token, tokens);
  }
}

DownstreamRegion FindRegion(const Model& model, const SweepBase& base, const SweepCase& work,
                            size_t index) {
  const auto tokens = static_cast<int64_t>(base.ids.size());
  const auto [low, high] = std::minmax_element(work.read.begin(), work.read.end());
  const bool last = work.read.empty();
  DownstreamRegion region{&work, index, model.layers(), last ? tokens - 1 : *low,
                          last ? tokens : *high + 1};
  const auto widen = [&](int layer, int64_t token) {
    region.layer = std::min(region.layer, layer);
    region.first = std::min(region.first, token);
  };
  for (const Intervention& intervention : work.variant) {  // a Hold alone changes nothing
    std::visit(Overload{[&](const Set& set) { widen(FirstLayer(set.at), set.at.token); },
                        [&](const Add& add) { widen(FirstLayer(add.at), add.at.token); },
                        [](const Hold&) {},
                        [&](const Cut& cut) {
                          const int64_t first = FirstToken(cut, tokens);
                          if (first == tokens) return;
                          widen(cut.layer, first);
                          if (ReadsLater(cut)) region.end = tokens;
                        }},
               intervention);
  }
  for (const Intervention& intervention : base.variant) {
    const auto* cut = std::get_if<Cut>(&intervention);
    if (cut == nullptr || cut->layer < region.layer || !ReadsLater(*cut) ||
        FirstToken(*cut, tokens) == tokens)
      continue;
    region.first = std::min(region.first, FirstToken(*cut, tokens));
    region.end = tokens;
  }
  return region;
}

}  // namespace

int FirstLayer(const StateId& at) {
  return at.site == Site::kResid || at.site == Site::kEmbed ? at.layer + 1 : at.layer;
}

CutCarries FindCutCarries(const Model& model, const SweepBase& base,
                          const DownstreamRegion& region) {
  CutCarries carries;
  if (!region.continues(model)) return carries;
  const std::vector<const Variant*> variants = {&base.variant, &region.work->variant};
  for (int layer : CutLayers(variants, region.layer)) {
    if (!FindMixer(model.layer(layer).mixers(), MixerKind::kScan)) continue;
    for (const CutTokens& cut : CutsAt(layer, variants, region.first, region.end)) {
      std::vector<Sources> before = Before(cut.hidden, region.first);
      if (!before.empty()) carries[layer].insert(std::move(before));
    }
  }
  return carries;
}

std::vector<DownstreamRegion> FindRegions(const Model& model, const std::vector<SweepBase>& bases,
                                          const std::vector<SweepCase>& cases) {
  CheckWork(model, bases, cases);
  std::vector<DownstreamRegion> regions;
  for (size_t i = 0; i < cases.size(); ++i)
    regions.push_back(FindRegion(model, bases[cases[i].base], cases[i], i));
  return regions;
}

}  // namespace mambascope
