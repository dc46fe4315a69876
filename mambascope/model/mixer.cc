#include "mambascope/model/mixer.h"

#include <algorithm>

namespace mambascope {

std::optional<Mixer> FindMixer(const std::vector<Mixer>& mixers, MixerKind kind) {
  const auto found = std::find_if(mixers.begin(), mixers.end(),
                                  [&](const Mixer& mixer) { return mixer.kind == kind; });
  return found == mixers.end() ? std::nullopt : std::optional(*found);
}

Mixer ScanMixer(int64_t channels, const char* matrix_name, const at::Tensor& decay) {
  return {.kind = MixerKind::kScan,
          .channels = channels,
          .channel_name = "channel",
          .matrix_name = matrix_name,
          .has_conv = true,
          .decay = decay};
}

Mixer AttentionMixer(int64_t heads, CutKind published) {
  return {.kind = MixerKind::kAttention,
          .channels = heads,
          .channel_name = "head",
          .matrix_name = "head",
          .published = published};
}

}  // namespace mambascope
