// Translates the cuts of variants into the form that a layer takes: for each token, the sources
// that are hidden from it.
#pragma once

#include <compare>
#include <cstdint>
#include <set>
#include <vector>

#include "mambascope/intervene/intervention.h"
#include "mambascope/model/hooks.h"

namespace mambascope {

// Tokens of one prompt from which one layer's mixer hides the same sources.
struct CutTokens {
  std::vector<int64_t> to;  // ascending
  std::vector<Sources> hidden;
};

// Whether targets of the cut may read tokens that come after them.
bool ReadsLater(const Cut& cut);

// Returns the first token that the cut affects, or `none` if it affects no token.
int64_t FirstToken(const Cut& cut, int64_t none);

// Returns the layers, from `lowest` up, in which some variant has a cut.
std::set<int> CutLayers(const std::vector<const Variant*>& variants, int lowest);

// Returns the effect of the cuts of all `variants` at `layer` on the tokens [first, end).
std::vector<CutTokens> CutsAt(int layer, const std::vector<const Variant*>& variants, int64_t first,
                              int64_t end);

// Returns `cut` as a RowCut, where token t of the prompt is row t + shift in `segment`. `carry` is
// as in RowCut.
RowCut OnRows(CutTokens cut, size_t segment, int64_t shift, int64_t carry = -1);

// Returns the part of `hidden` whose tokens come before `token`.
std::vector<Sources> Before(const std::vector<Sources>& hidden, int64_t token);

// An ordering of lists of sources. Masks are compared by identity.
struct HiddenOrder {
  bool operator()(const std::vector<Sources>& a, const std::vector<Sources>& b) const;
};

}  // namespace mambascope
