#include "mambascope/model/layer.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>

#include "mambascope/error.h"

namespace mambascope {
namespace {

class Keep : public Hooks {
 public:
  at::Tensor At(const Place& place, const at::Tensor& x) override { return states[place.site] = x; }
  std::map<Site, at::Tensor> states;
};

}  // namespace

std::map<Site, at::Tensor> LayerStates(const Layer& layer, const at::Tensor& h) {
  Keep keep;
  Carry dropped;
  layer.Forward(h, Packing::Whole({h.size(0)}), {}, dropped, {keep, 0});
  return keep.states;
}

at::Tensor LayerHooks::operator()(Site site, const at::Tensor& x, int64_t rows) const {
  if (x.size(0) == rows) return (*this)(site, x);
  return at::cat({(*this)(site, x.narrow(0, 0, rows)), x.narrow(0, rows, x.size(0) - rows)});
}

std::vector<SiteInfo> MambaSites(const Config& config) {
  const int64_t d = config.d_model, inner = config.ssm.d_inner;
  return {{Site::kMixerIn, d},    {Site::kConvIn, inner}, {Site::kSsmIn, inner},
          {Site::kSsmOut, inner}, {Site::kGateIn, inner}, {Site::kGate, inner},
          {Site::kMixed, inner},  {Site::kMixerOut, d},   {Site::kResid, d}};
}

std::vector<SiteInfo> TransformerSites(const Config& config) {
  const int64_t d = config.d_model, values = config.attention.heads * config.attention.head_dim;
  return {{Site::kMixerIn, d},  {Site::kMixed, values},
          {Site::kMixerOut, d}, {Site::kMlpMid, config.mlp.width},
          {Site::kMlpOut, d},   {Site::kResid, d}};
}

std::optional<int64_t> Layer::FindWidth(Site site) const {
  for (const SiteInfo& info : sites()) {
    if (info.site == site) return info.width;
  }
  return std::nullopt;
}

bool Layer::HasEditable(const std::string& name) const {
  const std::vector<EditableWeight> weights = editable();
  return std::any_of(weights.begin(), weights.end(),
                     [&](const EditableWeight& weight) { return weight.name == name; });
}

EditableWeight FindEditable(const Layer& layer, const std::string& name) {
  std::string list;
  for (EditableWeight& weight : layer.editable()) {
    if (weight.name == name) return weight;
    list += (list.empty() ? "" : ", ") + weight.name;
  }
  throw Error(fmt::format("this layer has no projection '{}'", name), "it has: " + list);
}

}  // namespace mambascope
