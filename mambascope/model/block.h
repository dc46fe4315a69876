// A Block is a layer that is composed of parts:
//
//   r_0 = h      r_i = r_(i-1) + s_i sum of Part(Norm_i(r_(i-1) or h)) over the parts of sublayer i
//
// The block's output is the last r_i. Each family's file (families/) lists the sublayers of its
// blocks.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "mambascope/model/layer.h"
#include "mambascope/model/part.h"

namespace mambascope {

// [row, d_model] -> [row, d_model]
using Norm = std::function<at::Tensor(const at::Tensor&)>;

// One residual addition of a block.
struct Sublayer {
  enum class Kind { kMixer, kMlp } kind;
  enum class Reads {
    kStream,      // the residual stream after the sublayers before it
    kBlockInput,  // the block's input: the sublayer is parallel to those before it
  } reads = Reads::kStream;
  Norm norm;
  std::vector<std::shared_ptr<const Part>> parts;
  double scale = 1;  // of what is added
};

// `d_model` is the width of the residual stream.
std::unique_ptr<Layer> MakeBlock(int64_t d_model, std::vector<Sublayer> sublayers);

}  // namespace mambascope
