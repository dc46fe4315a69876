// A relation as an affine map (Hernandez et al. 2023, section 3). It maps the state h of a subject
// at one layer to the last block's output z, which predicts the object:
//
//   LRE(h) = beta W h + b        delta h = W+_rho (z' - z)
//
// Adding delta h to h changes the subject's answer to that of z'.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "mambascope/data/relation.h"
#include "mambascope/model/kernels/product.h"

namespace mambascope {

struct LreOperator {
  int layer;     // h is the output of this block; kEmbedLayer: the embedding
  at::Tensor w;  // [d_model, d_model]
  at::Tensor b;  // [d_model]
  double beta = 1;

  // h [.., d_model] -> z [.., d_model]
  at::Tensor operator()(const at::Tensor& h) const { return Product(h, w.t()).mul(beta).add(b); }
};

// The inverse W+_rho = V_rho diag(1 / sigma) U_rho^T of the rho largest singular values of W = U
// diag(sigma) V^T. Singular values of 0 are left out.
class LowRankInverse {
 public:
  // w is [d_model, d_model], without beta. `most` is the largest rank. REQUIRES: 0 <= most <=
  // d_model
  LowRankInverse(const at::Tensor& w, int64_t most);
  // dz [state, d_model] -> dh [rank, state, d_model]. REQUIRES: 0 <= ranks[i] <= most
  at::Tensor operator()(const at::Tensor& dz, const std::vector<int64_t>& ranks) const;

 private:
  at::Tensor u_over_sigma_;  // [d_model, most], columns u_i / sigma_i
  at::Tensor v_t_;           // [most, d_model]
};

struct StoredLre {
  LreOperator lre;
  int64_t rank;          // of the inverse
  std::string relation;  // the relation's name
  std::string model;     // fingerprint of the checkpoint
  // The arguments of MakeRelationPrompt. `examples` are the samples that the operator is made from.
  std::string pattern;
  std::vector<Sample> examples;
  std::optional<std::string> prefix;
};

// Writes a safetensors file with W and b.
void WriteLre(const std::filesystem::path& file, const StoredLre& stored);

// Throws Error when WriteLre did not write the file.
StoredLre ReadLre(const std::filesystem::path& file);

}  // namespace mambascope
