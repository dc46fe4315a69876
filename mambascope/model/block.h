// A Block is a layer that is composed of parts:
//
//   r_0 = h      r_i = r_(i-1) + s_i PostNorm_i(sum over the branches b of sublayer i of
//                                              out_b Part_b(in_b Norm_i(r_(i-1) or h)))
//
// The block's output is the last r_i. Each family's file (families/) lists the sublayers of its
// blocks.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "mambascope/model/layer.h"
#include "mambascope/model/part.h"

namespace mambascope {

// [row, d_model] -> [row, d_model]. `as` is that of RmsNorm (ops.h).
using Norm = std::function<at::Tensor(const at::Tensor&, at::ScalarType as)>;

// A part of a sublayer, and the scales of its input and its output.
struct Branch {
  // A part alone is a branch, too.
  Branch(std::unique_ptr<Part> p, std::optional<Site> s = {}) : part(std::move(p)), site(s) {}
  Branch(std::unique_ptr<Part> p, double in, double out, std::optional<Site> s = {})
      : part(std::move(p)), in_scale(in), out_scale(out), site(s) {}

  std::shared_ptr<const Part> part;
  double in_scale = 1, out_scale = 1;
  // The site of the branch's own output, where it is not what the sublayer adds: in sublayers of
  // several mixers, and before a post-norm.
  std::optional<Site> site;
};

// A norm of a sublayer's output: y -> y / sqrt(mean(y^2) + eps) * weight. An undefined weight
// stands for no norm.
struct PostNorm {
  at::Tensor weight;  // [d_model]
  double eps = 0;
};

// One residual addition of a block.
struct Sublayer {
  enum class Kind { kMixer, kMlp } kind;
  enum class Reads {
    kStream,      // the residual stream after the sublayers before it
    kBlockInput,  // the block's input: the sublayer is parallel to those before it
  } reads = Reads::kStream;
  Norm norm = nullptr;  // none: the parts read the stream itself
  std::vector<Branch> parts;
  PostNorm post_norm = {};
  double scale = 1;  // of what is added
};

// `d_model` is the width of the residual stream.
std::unique_ptr<Layer> MakeBlock(int64_t d_model, std::vector<Sublayer> sublayers);

}  // namespace mambascope
