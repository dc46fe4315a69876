// Ranges of layers that are acted on together.
#pragma once

#include <vector>

#include "mambascope/model/site.h"
#include "mambascope/tokenizer/token.h"

namespace mambascope {

// The window's default: that of the paper, 10 of 64 layers, scaled to the model; one layer at
// Site::kResid and Site::kEmbed.
int DefaultWindow(Site site, int layers);

// The layers [first, last) restored with `layer`: `window` of them, the extra one of an even window
// below, cut off at the model's ends.
Span WindowAround(int layer, int window, int layers);

// What the published figures take for every model.
inline constexpr int kPublishedKnockoutWindow = 9;
// The window's default: the published one is 9 of 64 layers in the largest model; scaled to this
// one.
int DefaultKnockoutWindow(int layers);
// The windows that lie in the model as a whole, one for each first layer. Throws Error for a window
// longer than the model.
std::vector<Span> WholeWindows(int layers, int window);
// A window around each layer, cut off at the model's ends, as Sharma et al. 2024 have it.
std::vector<Span> WindowsAround(int layers, int window);

}  // namespace mambascope
