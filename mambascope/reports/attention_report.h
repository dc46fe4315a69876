// Attention and hidden attention as attention.json (docs/cli.md) and as figures.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/experiments/knockout/hidden_attention.h"
#include "mambascope/figures/grid.h"

namespace mambascope {

struct AttentionResult {
  Json options;                                   // what made it
  std::vector<int64_t> ids;                       // of the prompt's tokens
  std::vector<std::optional<std::string>> texts;  // theirs; none without a tokenizer
  std::vector<LayerAttention> layers;
  std::optional<int64_t> channel = {};   // whose own matrix the layers hold
};

// What attention.json holds.
Json AttentionJson(const AttentionResult& result);

// A layer's views: the mean of |M|, and where they differ from it its rows' shares and the signed mean; the one channel's matrix.
std::vector<Grid> AttentionHeatMaps(const AttentionResult& result, const LayerAttention& layer);

// The shares of each row's sum alone.
Grid ShareHeatMap(const AttentionResult& result, const LayerAttention& layer);

std::string AttentionPage(const AttentionResult& result);

}  // namespace mambascope
