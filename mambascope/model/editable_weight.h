// A weight that an edit can change.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "mambascope/model/site.h"

namespace mambascope {

// A projection whose weight an edit can change. It maps the state at the site `key` to the state at
// the site `value`, but for a bias and the factor `scale`.
struct EditableWeight {
  std::string name;    // as in the papers: W_a, W_g, W_o or W_down; attn_W_o beside a Mamba mixer
  at::Tensor weight;   // [out, in], a view of the layer's own weight
  Site key, value;     // the site that it reads and the site that it writes
  std::string tensor;  // name of the checkpoint tensor that holds the weight
  int64_t row = 0;     // first row of the weight in that tensor
  bool transposed = false;  // whether that tensor stores it as [in, out]
  double scale = 1;         // by which the model multiplies the weight's output
  // Name of the layer's own copy of `tensor`, which the checkpoint may lack.
  std::string copy = {};
};

}  // namespace mambascope
