#include "mambascope/model/layer_cost.h"

namespace mambascope {
namespace {

constexpr auto kFloatBytes = static_cast<int64_t>(sizeof(float));

}  // namespace

LayerCost MambaCost(const Config& config, at::Device device) {
  const SsmConfig& s = config.ssm;
  const int64_t scan = device.is_cpu() ? 0 : 5 * s.d_inner * s.d_state;
  return {.row = (6 * config.d_model + 10 * s.d_inner + scan) * kFloatBytes,
          .slot = s.d_inner * (s.d_state + s.d_conv) * kFloatBytes,
          .walked_row = 5 * s.d_inner * kFloatBytes};
}

LayerCost TransformerCost(const Config& config) {
  const AttentionConfig& a = config.attention;
  return {
      .row = (6 * config.d_model + 4 * a.heads * a.head_dim + 4 * config.mlp.width) * kFloatBytes,
      .pair = 5 * kFloatBytes * a.heads,
      .keys_and_values = 2 * a.kv_heads * a.head_dim * kFloatBytes};
}

}  // namespace mambascope
