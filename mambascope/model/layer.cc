#include "mambascope/model/layer.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "mambascope/error.h"
#include "mambascope/model/part.h"

namespace mambascope {
namespace {

class Keep : public Hooks {
 public:
  at::Tensor At(const Place& place, const at::Tensor& x) override { return states[place.site] = x; }
  std::map<Site, at::Tensor> states;
};

// `computed` is a Layer or a Part.
template <typename Computed>
std::map<Site, at::Tensor> StatesOf(const Computed& computed, const LayerInput& input) {
  Keep keep;
  Carry dropped;
  Packing packing = Packing::Whole({input.h.size(0)});
  packing.embedding = input.embedding;
  computed.Forward(input.h, packing, {}, dropped, {keep, 0});
  return keep.states;
}

}  // namespace

std::map<Site, at::Tensor> LayerStates(const Layer& layer, const LayerInput& input) {
  return StatesOf(layer, input);
}

std::map<Site, at::Tensor> PartStates(const Part& part, const at::Tensor& x) {
  return StatesOf(part, {x, {}});
}

std::unique_ptr<Part> Part::Edited(const std::string& name, const at::Tensor& /*change*/) const {
  throw std::logic_error("a part without editable weights has no " + name);
}

at::Tensor LayerHooks::operator()(Site site, const at::Tensor& x, int64_t rows) const {
  if (x.size(0) == rows) return (*this)(site, x);
  return at::cat({(*this)(site, x.narrow(0, 0, rows)), x.narrow(0, rows, x.size(0) - rows)});
}

bool LayerHooks::Act(std::initializer_list<Site> sites) const {
  return std::any_of(sites.begin(), sites.end(), [&](Site site) {
    return hooks_.Acts({site, layer_});
  });
}

std::vector<RowCut> LayerHooks::Cuts(MixerKind kind) const {
  std::vector<RowCut> cuts = hooks_.Cuts(layer_);
  for (RowCut& cut : cuts) {
    std::erase_if(cut.hidden,
                  [kind](const Sources& sources) { return sources.mixers.value_or(kind) != kind; });
  }
  return cuts;
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
