#include "mambascope/model/layer.h"

namespace mambascope {

std::vector<SiteInfo> MambaSites(const Config& config) {
  const int64_t d = config.d_model, inner = config.ssm.d_inner;
  return {{Site::kMixerIn, d},  {Site::kConvIn, inner}, {Site::kSsmIn, inner}, {Site::kSsmOut, inner},
          {Site::kGate, inner}, {Site::kMixed, inner},  {Site::kMixerOut, d},  {Site::kResid, d}};
}

std::vector<SiteInfo> TransformerSites(const Config& config) {
  const int64_t d = config.d_model, values = config.attention.heads * config.attention.head_dim;
  return {{Site::kMixerIn, d}, {Site::kMixed, values}, {Site::kMixerOut, d}, {Site::kMlpMid, config.mlp.width},
          {Site::kMlpOut, d},  {Site::kResid, d}};
}

}  // namespace mambascope
