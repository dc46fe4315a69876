#include "mambascope/experiments/lre_operator.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <limits>

#include "mambascope/checkpoint/json.h"
#include "mambascope/checkpoint/tensor_file.h"
#include "mambascope/error.h"

namespace mambascope {

LowRankInverse::LowRankInverse(const at::Tensor& w) {
  const auto [u, sigma, v_t] = at::linalg_svd(w.to(at::kFloat), /*full_matrices=*/false);
  const double rounding = static_cast<double>(w.size(0)) * std::numeric_limits<float>::epsilon();
  const at::Tensor counts = sigma > rounding * sigma[0];
  u_over_sigma_ = u * at::where(counts, 1 / sigma, at::zeros_like(sigma));
  v_t_ = v_t;
}

at::Tensor LowRankInverse::operator()(const at::Tensor& dz, const std::vector<int64_t>& ranks) const {
  const at::Tensor coordinates = dz.mm(u_over_sigma_);  // [state, value]
  std::vector<at::Tensor> dh;
  for (int64_t rank : ranks) dh.push_back(coordinates.narrow(1, 0, rank).mm(v_t_.narrow(0, 0, rank)));
  return at::stack(dh);
}

void WriteLre(const std::filesystem::path& file, const StoredLre& stored) {
  const Json about = {{"layer", stored.lre.layer}, {"beta", stored.lre.beta}, {"rank", stored.rank}, {"relation", stored.relation}};
  WriteSafetensors(file, {{"W", stored.lre.w}, {"b", stored.lre.b}},
                   {{"format", "mambascope-lre"}, {"lre", about.dump()}, {"model", stored.model}});
}

StoredLre ReadLre(const std::filesystem::path& file) {
  const std::unique_ptr<TensorFile> tensors = OpenSafetensors(file);
  std::map<std::string, std::string> metadata = tensors->metadata();
  const auto require = [&](bool holds, const std::string& what) {
    if (!holds)
      throw Error(file.string() + ": is no relation operator that mambascope wrote: " + what, "`mambascope lre --save` writes them");
  };
  require(metadata["format"] == "mambascope-lre", "its metadata lacks the format mambascope-lre");
  const Json about = ParseJson(metadata["lre"], file.string());
  const auto has = [&](const char* field, auto is) { return about.is_object() && about.contains(field) && (about[field].*is)(); };
  require(has("layer", &Json::is_number_integer) && has("rank", &Json::is_number_integer) && has("beta", &Json::is_number) &&
              has("relation", &Json::is_string),
          "its metadata lacks the layer, beta, rank or relation");
  const auto shape = [&](const std::string& name) {
    const auto found = tensors->tensors().find(name);
    const bool is_float = found != tensors->tensors().end() && found->second.dtype == at::kFloat;
    require(is_float, fmt::format("it lacks the float32 tensor {}", name));
    return found->second.shape;
  };
  const std::vector<int64_t> w = shape("W"), b = shape("b");
  require(b.size() == 1 && w == std::vector<int64_t>{b[0], b[0]}, "W and b do not fit");
  const LreOperator lre{about["layer"], tensors->Read("W"), tensors->Read("b"), about["beta"]};
  return {lre, about["rank"], about["relation"], metadata["model"]};
}

}  // namespace mambascope
