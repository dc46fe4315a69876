// A Family says how the checkpoints of an architecture become a model. A new architecture is one
// more.
#pragma once

#include <memory>
#include <string>

#include "mambascope/checkpoint/checkpoint.h"
#include "mambascope/model/layer.h"

namespace mambascope {

enum class NormKind {
  kRms,    // root mean square alone
  kLayer,  // with mean and bias
};

struct Family {
  std::string blocks;  // the scope of block l is this, a dot and l
  std::string embedding, norm, unembedding;
  NormKind norm_kind;  // of the final norm
  std::unique_ptr<Layer> (*make_layer)(const Config& config, const Weights& w);
};

// Returns the family of `config`. Checkpoints of one family may name their parts in several ways;
// `source` tells which.
Family FindFamily(const Config& config, const WeightSource& source);

}  // namespace mambascope
