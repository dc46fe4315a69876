// The named places of a layer where a state can be read and changed. docs/sites.md has the formula and the shape of each.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mambascope {

enum class Site { kEmbed, kResid, kMixerIn, kConvIn, kSsmIn, kSsmOut, kGateIn, kGate, kMixed, kMixerOut, kMlpMid, kMlpOut };

// The layer of the one site that no layer has.
inline constexpr int kEmbedLayer = -1;

// A site of one layer.
struct Place {
  Site site;
  int layer;  // kEmbedLayer at Site::kEmbed
  auto operator<=>(const Place&) const = default;
};

struct SiteInfo {
  Site site;
  int64_t width;  // features of a state there
};

// The site's name on the command line and in files: "resid", "conv_in", ...
std::string_view SiteName(Site site);

// The site of this name, as files have it. Throws Error for any other.
Site ReadSite(std::string_view name);

// The site that `name` means: a name of ours, of romba ("ssm_after_ssm") or of TransformerLens ("hook_resid_post"), out of those that a
// model has. Throws Error that lists `available` when there is none.
Site ParseSite(std::string_view name, const std::vector<SiteInfo>& available);

}  // namespace mambascope
