// Attention and hidden attention become figures, and lines for a terminal.
#pragma once

#include <string>
#include <vector>

#include "mambascope/experiments/knockout/attention_result.h"
#include "mambascope/figures/grid.h"
#include "mambascope/figures/page.h"

namespace mambascope {

// The number of tokens that figures show: the last ones of a long prompt. A page of more would be
// too large for browsers.
int64_t ShownTokens(const AttentionResult& result);

// The views of a layer's matrix M from token to token. They are the mean of |M| over channels, the
// share of each row's sum and the signed mean if these differ from it, and the matrix of the one
// channel that was asked for.
std::vector<Grid> AttentionHeatMaps(const AttentionResult& result, const LayerAttention& layer);

// The shares of each row's sum alone.
Grid ShareHeatMap(const AttentionResult& result, const LayerAttention& layer);

Page AttentionPage(const AttentionResult& result);

// The lines for a terminal.
std::string AttentionText(const AttentionResult& result);

}  // namespace mambascope
