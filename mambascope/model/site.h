// A site is a named place in a layer where a state can be read and changed. docs/sites.md has the
// formula and the shape of each.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mambascope {

enum class Site {
  kEmbed,
  kResid,
  kMixerIn,
  kConvIn,
  kSsmIn,
  kSsmOut,
  kGateIn,
  kGate,
  kMixed,
  kMixerOut,
  kMlpMid,
  kMlpOut
};

// The layer of the one site that no layer has.
inline constexpr int kEmbedLayer = -1;

// A site of one layer.
struct Place {
  Site site;
  int layer;  // kEmbedLayer at Site::kEmbed
  auto operator<=>(const Place&) const = default;
};

// These are the places of what comes out of block `layer`, and of what goes into it. The output of
// block kEmbedLayer is the embedding.
constexpr Place BlockOutput(int layer) {
  return {layer == kEmbedLayer ? Site::kEmbed : Site::kResid, layer};
}
constexpr Place BlockInput(int layer) { return BlockOutput(layer - 1); }

struct SiteInfo {
  Site site;
  int64_t width;  // features of a state there
};

// The site's name on the command line and in files: "resid", "conv_in", ...
std::string_view SiteName(Site site);

// The site of this name, as files have it. Throws Error for any other.
Site ReadSite(std::string_view name);

// Returns the site that `name` means, out of those that a model has. The name may be ours, romba's
// ("ssm_after_ssm") or TransformerLens's ("hook_resid_post"). Throws Error that lists `available`
// when there is none.
Site ParseSite(std::string_view name, const std::vector<SiteInfo>& available);

}  // namespace mambascope
