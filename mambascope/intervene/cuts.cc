#include "mambascope/intervene/cuts.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <map>
#include <tuple>

namespace mambascope {
namespace {

// Returns the cuts of `variants` at one layer.
std::vector<const Cut*> SelectCuts(const std::vector<const Variant*>& variants, int layer) {
  std::vector<const Cut*> cuts;
  for (const Variant* variant : variants) {
    for (const Intervention& intervention : *variant) {
      const auto* cut = std::get_if<Cut>(&intervention);
      if (cut != nullptr && cut->layer == layer && !cut->from.empty() && !cut->to.empty())
        cuts.push_back(cut);
    }
  }
  return cuts;
}

// Returns the first token that could read one of the cut's sources. REQUIRES: !cut.from.empty().
int64_t Earliest(const Cut& cut) {
  return cut.kind == CutKind::kBidirectional ? 0
                                             : *std::min_element(cut.from.begin(), cut.from.end());
}

Sources MakeSources(const Cut& cut) {
  const std::set<int64_t> tokens(cut.from.begin(), cut.from.end());
  return {{tokens.begin(), tokens.end()}, cut.channels, cut.kind, cut.mixers};
}

bool Precedes(const Sources& a, const Sources& b) {
  const void *const a_mask = a.channels.unsafeGetTensorImpl(), *const b_mask =
                                                                   b.channels.unsafeGetTensorImpl();
  return std::tie(a.tokens, a_mask, a.kind, a.mixers) <
         std::tie(b.tokens, b_mask, b.kind, b.mixers);
}

}  // namespace

bool ReadsLater(const Cut& cut) {
  return cut.kind == CutKind::kBidirectional || cut.kind == CutKind::kEmptyRowsUniform;
}

int64_t FirstToken(const Cut& cut, int64_t none) {
  int64_t first = none;
  if (cut.from.empty()) return none;
  for (int64_t token : cut.to) {
    if (token >= Earliest(cut))
      first = std::min(first, cut.kind == CutKind::kBidirectional ? 0 : token);
  }
  return first;
}

std::set<int> CutLayers(const std::vector<const Variant*>& variants, int lowest) {
  std::set<int> layers;
  for (const Variant* variant : variants) {
    for (const Intervention& intervention : *variant) {
      const auto* cut = std::get_if<Cut>(&intervention);
      if (cut != nullptr && cut->layer >= lowest) layers.insert(cut->layer);
    }
  }
  return layers;
}

std::vector<CutTokens> CutsAt(int layer, const std::vector<const Variant*>& variants, int64_t first,
                              int64_t end) {
  const std::vector<const Cut*> cuts = SelectCuts(variants, layer);
  // Token -> indices of the cuts that hide sources from it.
  std::map<int64_t, std::vector<size_t>> touching;
  for (size_t i = 0; i < cuts.size(); ++i) {
    const int64_t earliest = std::max(first, Earliest(*cuts[i]));
    for (int64_t token : std::set<int64_t>(cuts[i]->to.begin(), cuts[i]->to.end())) {
      if (token >= earliest && token < end) touching[token].push_back(i);
    }
  }
  std::map<std::vector<size_t>, std::vector<int64_t>> tokens;  // indices of cuts -> tokens
  for (const auto& [token, by] : touching) tokens[by].push_back(token);
  std::vector<CutTokens> result;
  for (const auto& [by, to] : tokens) {
    result.push_back({.to = to, .hidden = {}});
    for (size_t i : by) result.back().hidden.push_back(MakeSources(*cuts[i]));
  }
  return result;
}

RowCut OnRows(CutTokens cut, size_t segment, int64_t shift, int64_t carry) {
  for (int64_t& token : cut.to) token += shift;
  return {
      .segment = segment, .to = std::move(cut.to), .hidden = std::move(cut.hidden), .carry = carry};
}

std::vector<Sources> Before(const std::vector<Sources>& hidden, int64_t token) {
  std::vector<Sources> before;
  for (const Sources& sources : hidden) {
    const auto end = std::lower_bound(sources.tokens.begin(), sources.tokens.end(), token);
    if (end != sources.tokens.begin())
      before.push_back(
          {{sources.tokens.begin(), end}, sources.channels, sources.kind, sources.mixers});
  }
  return before;
}

bool HiddenOrder::operator()(const std::vector<Sources>& a, const std::vector<Sources>& b) const {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), Precedes);
}

}  // namespace mambascope
