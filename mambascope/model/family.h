// A Family says how checkpoints of one architecture become a model. Each architecture has one.
#pragma once

#include <memory>
#include <string>

#include "mambascope/checkpoint/checkpoint.h"
#include "mambascope/model/layer.h"
#include "mambascope/model/weights.h"

namespace mambascope {

enum class NormKind {
  kRms,    // root mean square, no mean, no bias
  kLayer,  // with mean and bias
};

struct Family {
  std::string blocks;  // name of the list of blocks; block l has the prefix blocks.l
  std::string embedding, norm, unembedding;
  NormKind norm_kind;  // of the final norm
  std::unique_ptr<Layer> (*make_layer)(const Config& config, const Weights& w, int64_t layer);
};

// Returns the family of `config`. Checkpoints of one family may use different weight names;
// `source` shows which ones.
Family FindFamily(const Config& config, const WeightSource& source);

}  // namespace mambascope
