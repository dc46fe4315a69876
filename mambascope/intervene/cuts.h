// A layer takes the cuts of variants by token: for each one what is hidden from it.
#pragma once

#include <compare>
#include <cstdint>
#include <set>
#include <vector>

#include "mambascope/intervene/intervention.h"
#include "mambascope/model/hooks.h"

namespace mambascope {

// CutTokens are tokens of one prompt that see it alike in one layer's mixer.
struct CutTokens {
  std::vector<int64_t> to;  // ascending
  std::vector<Sources> hidden;
};

// Whether targets of the cut may read tokens after them.
bool ReadsLater(const Cut& cut);

// Returns the first token that the cut touches, or `none` where it does nothing.
int64_t FirstToken(const Cut& cut, int64_t none);

// Returns the layers that some variant cuts, from `lowest` on.
std::set<int> CutLayers(const std::vector<const Variant*>& variants, int lowest);

// Returns what the cuts of all `variants` at `layer` do to the tokens [first, end).
std::vector<CutTokens> CutsAt(int layer, const std::vector<const Variant*>& variants, int64_t first,
                              int64_t end);

// Returns `cut` as a layer takes it, where token t of the prompt is row t + shift of `segment`.
// `carry` is as in RowCut.
RowCut OnRows(CutTokens cut, size_t segment, int64_t shift, int64_t carry = -1);

// Returns what of `hidden` stands before `token`.
std::vector<Sources> Before(const std::vector<Sources>& hidden, int64_t token);

// Orders what is hidden. Masks are compared by identity.
struct HiddenOrder {
  bool operator()(const std::vector<Sources>& a, const std::vector<Sources>& b) const;
};

}  // namespace mambascope
