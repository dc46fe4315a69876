// Windows: ranges of consecutive layers that are restored or cut together.
#pragma once

#include <vector>

#include "mambascope/model/site.h"
#include "mambascope/tokenizer/token.h"

namespace mambascope {

// The default window for causal tracing, in layers. Sharma et al. 2024 restore 10 of 64 layers;
// other models get the same share, at least 1. At Site::kResid and Site::kEmbed it is 1.
int DefaultWindow(Site site, int layers);

// The layers [first, last) of a window around `layer`. An even window has its extra layer below
// `layer`. The range is cut off at the model's ends.
Span WindowAround(int layer, int window, int layers);

// The window that Endy et al. 2025 use for every model, in layers.
inline constexpr int kPublishedKnockoutWindow = 9;
// The default window for knockouts, in layers: the published 9 of 64 layers, scaled to this model,
// at least 1.
int DefaultKnockoutWindow(int layers);
// All windows that lie completely in the model, ordered by their first layer. Throws Error for a
// window longer than the model.
std::vector<Span> WholeWindows(int layers, int window);
// One window around each layer, cut off at the model's ends, as in Sharma et al. 2024.
std::vector<Span> WindowsAround(int layers, int window);

}  // namespace mambascope
