#include "mambascope/checkpoint/config.h"

namespace mambascope {

LayerKind KindOf(const Config& config, int64_t layer) {
  return config.layer_kinds.at(static_cast<size_t>(layer));
}

bool HasExperts(const Config& config, int64_t layer) {
  const ExpertsConfig& e = config.experts;
  return e.count > 0 && (e.layers.empty() || e.layers.at(static_cast<size_t>(layer)));
}

AttentionConfig AttentionOf(const Config& config, int64_t layer) {
  AttentionConfig attention = config.attention;
  const bool is_sliding =
      !config.layer_kinds.empty() && KindOf(config, layer) == LayerKind::kSliding;
  if (!is_sliding) attention.window = 0;
  if (is_sliding && config.sliding_rope.dims > 0) attention.rope = config.sliding_rope;
  return attention;
}

}  // namespace mambascope
