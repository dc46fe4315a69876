// A site is a named place in a layer where a state can be read and changed. docs/sites.md gives the
// formula and the shape of each.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
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
  kMambaOut,
  kAttnMixed,
  kAttnOut,
  kMixerDown,
  kMixerOut,
  kMlpMid,
  kMlpDown,
  kMlpOut,
  kSharedOut
};

// The layer number of Site::kEmbed, which belongs to no layer.
inline constexpr int kEmbedLayer = -1;

// A site in one layer.
struct Place {
  Site site;
  int layer;  // kEmbedLayer for Site::kEmbed
  auto operator<=>(const Place&) const = default;
};

// The places of the output and of the input of block `layer`. The output of block kEmbedLayer is
// the embedding.
constexpr Place BlockOutput(int layer) {
  return {layer == kEmbedLayer ? Site::kEmbed : Site::kResid, layer};
}
constexpr Place BlockInput(int layer) { return BlockOutput(layer - 1); }

struct SiteInfo {
  Site site;
  int64_t width;  // width of a state there
};

// The site's name on the command line and in files: "resid", "conv_in", ...
std::string_view SiteName(Site site);

// "mixed.3"; "embed" for the embedding.
std::string PlaceName(const Place& place);

// Returns the site with this name in a result file. Throws Error for an unknown name.
Site ReadSite(std::string_view name);

// Returns the site that `name` means, out of the sites `available` in a model. The name may be
// mambascope's own, romba's ("ssm_after_ssm") or TransformerLens's ("hook_resid_post"). Throws
// Error, listing `available`, when there is none.
Site ParseSite(std::string_view name, const std::vector<SiteInfo>& available);

// A site, and one layer where a name gives it.
struct NamedPlace {
  Site site;
  std::optional<int> layer;
};

// Like ParseSite, but the name may hold a layer: TransformerLens's "blocks.3.hook_resid_post", or
// "resid.3" as in a file of states. The input of a block ("blocks.3.hook_resid_pre") is the output
// of the block before it. Throws Error for a layer that is not 0 to layers - 1.
NamedPlace ParsePlace(const std::string& name, const std::vector<SiteInfo>& available, int layers);

}  // namespace mambascope
