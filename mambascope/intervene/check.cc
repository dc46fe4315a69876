#include "mambascope/intervene/check.h"

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include "mambascope/error.h"

namespace mambascope {
namespace {

// The width of the states at `place`. Throws Error when the model has no such place.
int64_t Width(const Model& model, const Place& place) {
  const bool embed = place.site == Site::kEmbed;
  if (embed ? place.layer != kEmbedLayer : place.layer < 0 || place.layer >= model.layers()) {
    throw Error(fmt::format("layer {} is out of range for site {}", place.layer, SiteName(place.site)),
                embed ? "the embedding has no layer" : fmt::format("layers are 0 to {}", model.layers() - 1));
  }
  for (const SiteInfo& info : model.sites()) {
    if (info.site == place.site) return info.width;
  }
  ParseSite(SiteName(place.site), model.sites());  // throws the Error that lists the sites
  return 0;
}

void CheckState(const Model& model, const StateId& at, int64_t tokens, const at::Tensor* value) {
  const int64_t width = Width(model, at.place());
  CheckToken(at.token, tokens);
  if (value != nullptr && (value->dim() != 1 || value->size(0) != width)) {
    throw Error(fmt::format("a value for site {} must have {} features, it has {}", SiteName(at.site), width, value->numel()));
  }
}

bool IsMamba(const Model& model) {
  const Architecture a = model.config().architecture;
  return a == Architecture::kMamba1 || a == Architecture::kMamba2;
}

// A mask of channels is as wide as the mixer that it acts in.
void CheckChannels(const Model& model, const at::Tensor& channels) {
  const Config& c = model.config();
  const bool mamba = IsMamba(model);
  const int64_t width = mamba ? c.ssm.d_inner : c.attention.heads;
  if (channels.defined() && (channels.scalar_type() != at::kBool || channels.dim() != 1 || channels.size(0) != width)) {
    throw Error(fmt::format("a cut's channels must be a mask (bool) of {} {}", width, mamba ? "channels" : "heads"));
  }
}

void Check(const Model& model, const Intervention& intervention, int64_t tokens) {
  std::visit(Overload{[&](const Set& set) { CheckState(model, set.at, tokens, &set.value); },
                      [&](const Add& add) { CheckState(model, add.at, tokens, &add.delta); },
                      [&](const Hold& hold) { CheckState(model, hold.at, tokens, nullptr); },
                      [&](const Cut& cut) {
                        Width(model, {Site::kResid, cut.layer});
                        CheckChannels(model, cut.channels);
                        if (cut.kind == CutKind::kMixingAndConv && cut.channels.defined() && IsMamba(model))
                          throw Error("a cut of the convolution is of all channels", "leave the channels out, or cut the mixing alone");
                        for (int64_t token : cut.from) CheckToken(token, tokens);
                        for (int64_t token : cut.to) CheckToken(token, tokens);
                      }},
             intervention);
}

}  // namespace

void CheckPrompts(const std::vector<std::vector<int64_t>>& prompts) {
  if (prompts.empty()) throw Error("no prompt was given");
  for (const std::vector<int64_t>& prompt : prompts) {
    if (prompt.empty()) throw Error("the prompt is empty", "it needs at least one token");
  }
}

void CheckToken(int64_t token, int64_t tokens) {
  if (token < 0 || token >= tokens)
    throw Error(fmt::format("token {} is out of range", token), fmt::format("the prompt has tokens 0 to {}", tokens - 1));
}

void CheckPlace(const Model& model, const Place& place) { Width(model, place); }

void CheckVariant(const Model& model, const Variant& variant, int64_t tokens) {
  for (const Intervention& intervention : variant) Check(model, intervention, tokens);
}

void CheckBase(const Model& model, const Variant& variant, int64_t tokens) {
  CheckVariant(model, variant, tokens);
  for (const Intervention& intervention : variant) {
    if (std::holds_alternative<Hold>(intervention)) throw Error("a base run has no state to be held at", "Hold belongs to a variant");
  }
}

}  // namespace mambascope
