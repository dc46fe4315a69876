#include "mambascope/experiments/windows.h"

#include <fmt/format.h>

#include <algorithm>

#include "mambascope/error.h"

namespace mambascope {

int DefaultWindow(Site site, int layers) {
  return site == Site::kResid || site == Site::kEmbed ? 1 : std::max(1, layers * 10 / 64);
}

Span WindowAround(int layer, int window, int layers) {
  const int first = layer - window / 2;
  return {std::max(0, first), std::min(layers, first + window)};
}

int DefaultKnockoutWindow(int layers) { return std::max(1, (layers * 9 + 32) / 64); }

std::vector<Span> WholeWindows(int layers, int window) {
  if (window > layers)
    throw Error(fmt::format("a window of {} layers is longer than the model, which has {}", window,
                            layers));
  std::vector<Span> windows;
  for (int l = 0; l + window <= layers; ++l) windows.push_back({l, l + window});
  return windows;
}

std::vector<Span> WindowsAround(int layers, int window) {
  std::vector<Span> windows;
  for (int l = 0; l < layers; ++l) windows.push_back(WindowAround(l, window, layers));
  return windows;
}

}  // namespace mambascope
