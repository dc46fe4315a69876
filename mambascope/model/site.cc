#include "mambascope/model/site.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

#include "mambascope/error.h"

namespace mambascope {
namespace {

// The first row of a site is mambascope's own name; the others are aliases. An alias of several
// sites means the first of them that a model has.
constexpr std::pair<Site, std::string_view> kNames[] = {{Site::kEmbed, "embed"},
                                                        {Site::kEmbed, "hook_embed"},
                                                        {Site::kResid, "resid"},
                                                        {Site::kResid, "residual"},
                                                        {Site::kResid, "resid_post"},
                                                        {Site::kResid, "hook_resid_post"},
                                                        {Site::kMixerIn, "mixer_in"},
                                                        {Site::kMixerIn, "mixer.hook_in"},
                                                        {Site::kConvIn, "conv_in"},
                                                        {Site::kConvIn, "ssm_after_up_proj"},
                                                        {Site::kConvIn, "hook_in_proj"},
                                                        {Site::kConvIn, "mixer.hook_in_proj"},
                                                        {Site::kSsmIn, "ssm_in"},
                                                        {Site::kSsmIn, "ssm_after_silu"},
                                                        {Site::kSsmIn, "hook_conv"},
                                                        {Site::kSsmIn, "mixer.hook_conv"},
                                                        {Site::kSsmOut, "ssm_out"},
                                                        {Site::kSsmOut, "ssm_after_ssm"},
                                                        {Site::kSsmOut, "hook_ssm_out"},
                                                        {Site::kSsmOut, "mixer.hook_ssm_out"},
                                                        {Site::kGateIn, "gate_in"},
                                                        {Site::kGateIn, "mlp_after_up_proj"},
                                                        {Site::kGateIn, "hook_skip"},
                                                        {Site::kGate, "gate"},
                                                        {Site::kGate, "mlp_after_silu"},
                                                        {Site::kAttnMixed, "attn_mixed"},
                                                        {Site::kAttnMixed, "attn.hook_z"},
                                                        {Site::kAttnMixed, "z"},
                                                        {Site::kAttnOut, "attn_out"},
                                                        {Site::kAttnOut, "hook_attn_out"},
                                                        {Site::kMixed, "mixed"},
                                                        {Site::kMixed, "before_down_proj"},
                                                        {Site::kMixed, "attn.hook_z"},
                                                        {Site::kMixed, "z"},
                                                        {Site::kMambaOut, "mamba_out"},
                                                        {Site::kMixerDown, "mixer_down"},
                                                        {Site::kMixerOut, "mixer_out"},
                                                        {Site::kMixerOut, "after_down_proj"},
                                                        {Site::kMixerOut, "hook_out"},
                                                        {Site::kMixerOut, "mixer.hook_out"},
                                                        {Site::kMixerOut, "hook_attn_out"},
                                                        {Site::kMixerOut, "attn_out"},
                                                        {Site::kMlpMid, "mlp_mid"},
                                                        {Site::kMlpMid, "mlp.hook_post"},
                                                        {Site::kSharedOut, "shared_out"},
                                                        {Site::kMlpDown, "mlp_down"},
                                                        {Site::kMlpOut, "mlp_out"},
                                                        {Site::kMlpOut, "hook_mlp_out"},
                                                        {Site::kMlpOut, "mlp"}};

}  // namespace

std::string_view SiteName(Site site) {
  return std::find_if(std::begin(kNames), std::end(kNames),
                      [&](const auto& n) { return n.first == site; })
      ->second;
}

std::string PlaceName(const Place& place) {
  if (place.site == Site::kEmbed) return "embed";
  return fmt::format("{}.{}", SiteName(place.site), place.layer);
}

Site ReadSite(std::string_view name) {
  const auto* known = std::find_if(std::begin(kNames), std::end(kNames),
                                   [&](const auto& n) { return n.second == name; });
  if (known == std::end(kNames)) throw Error(fmt::format("there is no site named '{}'", name));
  return known->first;
}

Site ParseSite(std::string_view name, const std::vector<SiteInfo>& available) {
  const auto has = [&](Site site) {
    return std::any_of(available.begin(), available.end(),
                       [&](const SiteInfo& s) { return s.site == site; });
  };
  const auto* known = std::find_if(std::begin(kNames), std::end(kNames),
                                   [&](const auto& n) { return n.second == name && has(n.first); });
  if (known != std::end(kNames)) return known->first;
  std::string list;
  for (const SiteInfo& info : available)
    list += fmt::format("{}{}", list.empty() ? "" : ", ", SiteName(info.site));
  throw Error(fmt::format("this model has no site '{}'", name), "it has: " + list);
}

namespace {

// The number, if `text` is one of at most 6 digits.
std::optional<int> LayerOf(std::string_view text) {
  constexpr size_t kMostDigits = 6;
  int layer = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), layer);
  const bool is_number = error == std::errc() && end == text.data() + text.size() && layer >= 0;
  return is_number && text.size() <= kMostDigits ? std::optional(layer) : std::nullopt;
}

// "blocks.7.hook_resid_post" and "resid.7": the site, and the layer if there is one.
std::pair<std::string, std::optional<int>> SplitPlace(std::string_view name) {
  constexpr std::string_view kBlocks = "blocks.";
  if (name.starts_with(kBlocks)) {
    const std::string_view rest = name.substr(kBlocks.size());
    const size_t dot = std::min(rest.find('.'), rest.size());
    const std::optional<int> layer = LayerOf(rest.substr(0, dot));
    if (layer && dot + 1 < rest.size()) return {std::string(rest.substr(dot + 1)), layer};
  }
  const size_t dot = name.rfind('.');
  if (dot == name.npos || dot == 0) return {std::string(name), std::nullopt};
  const std::optional<int> layer = LayerOf(name.substr(dot + 1));
  return {std::string(layer ? name.substr(0, dot) : name), layer};
}

}  // namespace

NamedPlace ParsePlace(const std::string& name, const std::vector<SiteInfo>& available, int layers) {
  const auto [site, layer] = SplitPlace(name);
  if (layer && *layer >= layers)
    throw Error(fmt::format("'{}' names layer {}, but the model has layers 0 to {}", name, *layer,
                            layers - 1));
  if (site == "hook_resid_pre" || site == "resid_pre") {
    if (!layer)
      throw Error(fmt::format("'{}' needs a layer", name), "write it as blocks.3.hook_resid_pre");
    const Place input = BlockInput(*layer);
    return {input.site, input.layer};
  }
  return {ParseSite(site, available), layer};
}

}  // namespace mambascope
