// Attention and hidden attention as figures.
#pragma once

#include <string>
#include <vector>

#include "mambascope/experiments/knockout/attention_result.h"
#include "mambascope/figures/grid.h"

namespace mambascope {

// A layer's views: the mean of |M|, and where they differ from it its rows' shares and the signed
// mean; the one channel's matrix.
std::vector<Grid> AttentionHeatMaps(const AttentionResult& result, const LayerAttention& layer);

// The shares of each row's sum alone.
Grid ShareHeatMap(const AttentionResult& result, const LayerAttention& layer);

std::string AttentionPage(const AttentionResult& result);

// For a terminal.
std::string AttentionText(const AttentionResult& result);

}  // namespace mambascope
