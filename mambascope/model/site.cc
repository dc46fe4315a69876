#include "mambascope/model/site.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "mambascope/error.h"

namespace mambascope {
namespace {

// The first row of a site is mambascope's own name; the others are aliases.
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
                                                        {Site::kMixed, "mixed"},
                                                        {Site::kMixed, "before_down_proj"},
                                                        {Site::kMixed, "attn.hook_z"},
                                                        {Site::kMixed, "z"},
                                                        {Site::kMixerOut, "mixer_out"},
                                                        {Site::kMixerOut, "after_down_proj"},
                                                        {Site::kMixerOut, "hook_out"},
                                                        {Site::kMixerOut, "mixer.hook_out"},
                                                        {Site::kMixerOut, "hook_attn_out"},
                                                        {Site::kMixerOut, "attn_out"},
                                                        {Site::kMlpMid, "mlp_mid"},
                                                        {Site::kMlpMid, "mlp.hook_post"},
                                                        {Site::kMlpOut, "mlp_out"},
                                                        {Site::kMlpOut, "hook_mlp_out"},
                                                        {Site::kMlpOut, "mlp"}};
// clang-format on

}  // namespace

std::string_view SiteName(Site site) {
  return std::find_if(std::begin(kNames), std::end(kNames),
                      [&](const auto& n) { return n.first == site; })
      ->second;
}

Site ReadSite(std::string_view name) {
  const auto* known = std::find_if(std::begin(kNames), std::end(kNames),
                                   [&](const auto& n) { return n.second == name; });
  if (known == std::end(kNames)) throw Error(fmt::format("there is no site named '{}'", name));
  return known->first;
}

Site ParseSite(std::string_view name, const std::vector<SiteInfo>& available) {
  const auto* known = std::find_if(std::begin(kNames), std::end(kNames),
                                   [&](const auto& n) { return n.second == name; });
  const bool has = known != std::end(kNames) &&
                   std::any_of(available.begin(), available.end(),
                               [&](const SiteInfo& s) { return s.site == known->first; });
  if (has) return known->first;
  std::string list;
  for (const SiteInfo& info : available)
    list += fmt::format("{}{}", list.empty() ? "" : ", ", SiteName(info.site));
  throw Error(fmt::format("this model has no site '{}'", name), "it has: " + list);
}

}  // namespace mambascope
