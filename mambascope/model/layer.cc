#include "mambascope/model/layer.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "mambascope/error.h"

namespace mambascope {

at::Tensor LayerHooks::operator()(Site site, const at::Tensor& x, int64_t rows) const {
  if (x.size(0) == rows) return (*this)(site, x);
  return at::cat({(*this)(site, x.narrow(0, 0, rows)), x.narrow(0, rows, x.size(0) - rows)});
}

std::vector<SiteInfo> MambaSites(const Config& config) {
  const int64_t d = config.d_model, inner = config.ssm.d_inner;
  return {{Site::kMixerIn, d},  {Site::kConvIn, inner}, {Site::kSsmIn, inner}, {Site::kSsmOut, inner}, {Site::kGateIn, inner},
          {Site::kGate, inner}, {Site::kMixed, inner},  {Site::kMixerOut, d},  {Site::kResid, d}};
}

std::vector<SiteInfo> TransformerSites(const Config& config) {
  const int64_t d = config.d_model, values = config.attention.heads * config.attention.head_dim;
  return {{Site::kMixerIn, d}, {Site::kMixed, values}, {Site::kMixerOut, d}, {Site::kMlpMid, config.mlp.width},
          {Site::kMlpOut, d},  {Site::kResid, d}};
}

EditableWeight FindEditable(const Layer& layer, const std::string& name) {
  std::string list;
  for (EditableWeight& weight : layer.editable()) {
    if (weight.name == name) return weight;
    list += (list.empty() ? "" : ", ") + weight.name;
  }
  throw Error(fmt::format("projection '{}' is not one of this model's", name), "it has: " + list);
}

}  // namespace mambascope
