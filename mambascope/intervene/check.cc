#include "mambascope/intervene/check.h"

#include <ATen/core/Tensor.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <string>

#include "mambascope/error.h"

namespace mambascope {
namespace {

void CheckLayer(const Model& model, int layer, const std::string& what) {
  if (layer < 0 || layer >= model.layers()) {
    throw Error(fmt::format("layer {} is out of range for {}", layer, what),
                fmt::format("layers are 0 to {}", model.layers() - 1));
  }
}

void CheckState(const Model& model, const StateId& at, int64_t tokens,
                const std::optional<StateValue>& value) {
  CheckPlace(model, at.place());
  const int64_t width = model.width(at.place());
  CheckToken(at.token, tokens);
  if (!value) return;
  const at::Tensor& states = value->states();
  const int64_t dims = value->row() ? 2 : 1;
  if (value->row() && *value->row() >= states.size(0))
    throw Error(fmt::format("row {} of {} states is asked for", *value->row(), states.size(0)));
  if (states.dim() != dims || states.size(-1) != width)
    throw Error(fmt::format("a value for site {} must have the shape [{}], but has [{}]",
                            SiteName(at.site), width, fmt::join(value->tensor().sizes(), ", ")));
}

// Checks that a mask has the width of a mixer in which it acts, and that a cut of the convolution
// has no mask.
void CheckMixers(const Cut& cut, std::vector<Mixer> mixers) {
  if (cut.mixers)
    std::erase_if(mixers, [&](const Mixer& mixer) { return mixer.kind != *cut.mixers; });
  if (mixers.empty())
    throw Error(fmt::format("layer {} has no mixer that this cut could act in", cut.layer),
                "choose a layer that has one");
  const bool convolves = std::any_of(mixers.begin(), mixers.end(), [](const Mixer& mixer) {
    return mixer.kind == MixerKind::kAttention && mixer.has_conv;
  });
  if (cut.kind == CutKind::kMixingAndConv && convolves)
    throw Error(
        fmt::format("the convolution before attention in layer {} cannot be cut", cut.layer),
        "cut only the mixing");
  if (!cut.channels.defined()) return;
  if (mixers.size() > 1)
    throw Error(fmt::format("layer {} has {} mixers; a cut there must be of all channels",
                            cut.layer, mixers.size()),
                "cut all channels, or name one kind of mixer (Cut::mixers)");
  const auto fits = [&](const Mixer& mixer) { return cut.channels.size(0) == mixer.channels; };
  if (cut.channels.scalar_type() != at::kBool || cut.channels.dim() != 1 ||
      std::none_of(mixers.begin(), mixers.end(), fits)) {
    throw Error(fmt::format("a cut's channels must be a mask (bool) of {} {}s",
                            mixers.front().channels, mixers.front().channel_name));
  }
  const bool has_conv =
      std::any_of(mixers.begin(), mixers.end(), [](const Mixer& mixer) { return mixer.has_conv; });
  if (cut.kind == CutKind::kMixingAndConv && has_conv)
    throw Error("a cut of the convolution must be of all channels",
                "omit the channels, or cut only the mixing");
}

void Check(const Model& model, const Intervention& intervention, int64_t tokens) {
  std::visit(Overload{[&](const Set& set) { CheckState(model, set.at, tokens, set.value); },
                      [&](const Add& add) { CheckState(model, add.at, tokens, add.delta); },
                      [&](const Hold& hold) { CheckState(model, hold.at, tokens, {}); },
                      [&](const Cut& cut) {
                        CheckLayer(model, cut.layer, "a cut");
                        CheckMixers(cut, model.layer(cut.layer).mixers());
                        for (int64_t token : cut.from) CheckToken(token, tokens);
                        for (int64_t token : cut.to) CheckToken(token, tokens);
                      }},
             intervention);
}

}  // namespace

void CheckPrompts(const std::vector<std::vector<int64_t>>& prompts) {
  if (prompts.empty()) throw Error("no prompt was given");
  for (const std::vector<int64_t>& prompt : prompts) {
    if (prompt.empty()) throw Error("the prompt is empty", "a prompt needs at least one token");
  }
}

void CheckToken(int64_t token, int64_t tokens) {
  if (token < 0 || token >= tokens)
    throw Error(fmt::format("token {} is out of range", token),
                fmt::format("the prompt has tokens 0 to {}", tokens - 1));
}

void CheckPlace(const Model& model, const Place& place) {
  if (model.Has(place)) return;
  if (place.site == Site::kEmbed) {
    throw Error(
        fmt::format("layer {} is out of range for site {}", place.layer, SiteName(place.site)),
        "the embedding has no layer");
  }
  CheckLayer(model, place.layer, fmt::format("site {}", SiteName(place.site)));
  const std::vector<int> with = model.LayersWith(place.site);
  if (with.empty())
    // Throws an Error that lists the available sites.
    ParseSite(SiteName(place.site), model.sites());
  throw Error(fmt::format("layer {} has no site {}", place.layer, SiteName(place.site)),
              fmt::format("layers that have it: {}", fmt::join(with, ", ")));
}

void CheckVariant(const Model& model, const Variant& variant, int64_t tokens) {
  for (const Intervention& intervention : variant) Check(model, intervention, tokens);
}

void CheckBase(const Model& model, const Variant& variant, int64_t tokens) {
  CheckVariant(model, variant, tokens);
  for (const Intervention& intervention : variant) {
    if (std::holds_alternative<Hold>(intervention))
      throw Error("the interventions of a base run contain a Hold", "use Hold only in a variant");
  }
}

}  // namespace mambascope
