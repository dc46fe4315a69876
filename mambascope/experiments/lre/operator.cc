#include "mambascope/experiments/lre/operator.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "mambascope/checkpoint/json.h"
#include "mambascope/checkpoint/tensor_file.h"
#include "mambascope/data/text_fields.h"
#include "mambascope/error.h"
#include "mambascope/model/kernels/product.h"
#include "mambascope/model/threads.h"

namespace mambascope {

LowRankInverse::LowRankInverse(const at::Tensor& w, int64_t most) {
  const OneThread one_thread;
  const auto [u, sigma, v_t] = at::linalg_svd(w.to(at::kFloat), /*full_matrices=*/false);
  const at::Tensor inverse = at::where(sigma > 0, 1 / sigma, at::zeros_like(sigma));
  u_over_sigma_ = (u * inverse).narrow(1, 0, most).contiguous();
  v_t_ = v_t.narrow(0, 0, most).contiguous();
}

at::Tensor LowRankInverse::operator()(const at::Tensor& dz,
                                      const std::vector<int64_t>& ranks) const {
  const at::Tensor coordinates = Product(dz, u_over_sigma_);  // [state, value]
  std::vector<at::Tensor> dh;
  for (int64_t rank : ranks)
    dh.push_back(Product(coordinates.narrow(1, 0, rank), v_t_.narrow(0, 0, rank)));
  return at::stack(dh);
}

void WriteLre(const std::filesystem::path& file, const StoredLre& stored) {
  const Json about = {{"layer", stored.lre.layer},
                      {"beta", stored.lre.beta},
                      {"rank", stored.rank},
                      {"relation", stored.relation},
                      {"pattern", stored.pattern},
                      {"examples", SamplesJson(stored.examples)},
                      {"prefix", stored.prefix ? Json(*stored.prefix) : Json()}};
  WriteSafetensors(file, {{"W", stored.lre.w}, {"b", stored.lre.b}},
                   {{"format", "mambascope-lre"}, {"lre", about.dump()}, {"model", stored.model}});
}

StoredLre ReadLre(const std::filesystem::path& file) {
  const std::unique_ptr<TensorFile> tensors = OpenSafetensors(file);
  std::map<std::string, std::string> metadata = tensors->metadata();
  const auto require = [&](bool holds, const std::string& what) {
    if (!holds)
      throw Error(file.string() + ": is not a relation operator that mambascope wrote: " + what,
                  "`mambascope lre --save` writes relation operators");
  };
  require(metadata["format"] == "mambascope-lre" && metadata.contains("lre"),
          "its metadata lacks the format mambascope-lre, or the key lre");
  const Json about = ParseJson(metadata["lre"], file.string());
  StoredLre stored{};
  stored.model = metadata["model"];
  try {
    stored.lre.layer = about.at("layer").get<int>();
    stored.lre.beta = about.at("beta").get<double>();
    stored.rank = about.at("rank").get<int64_t>();
  } catch (const Json::exception&) {
    require(false, "its metadata lacks the layer, beta or rank");
  }
  const auto shape = [&](const std::string& name) {
    const auto found = tensors->tensors().find(name);
    const bool is_float = found != tensors->tensors().end() && found->second.dtype == at::kFloat;
    require(is_float, fmt::format("it lacks the float32 tensor {}", name));
    return found->second.shape;
  };
  const std::vector<int64_t> w = shape("W"), b = shape("b");
  require(b.size() == 1 && w == std::vector<int64_t>{b[0], b[0]},
          "the shapes of W and b do not fit");
  const JsonNode node(about, file.string());
  require(stored.rank >= 0 && stored.rank <= b[0], "its rank is larger than W");
  stored.lre.w = tensors->Read("W");
  stored.lre.b = tensors->Read("b");
  stored.relation = node["relation"].String();
  stored.pattern = ReadPattern(node["pattern"]);
  stored.examples = ReadSamples(node["examples"]);
  if (node.Has("prefix")) stored.prefix = node["prefix"].String();
  return stored;
}

}  // namespace mambascope
