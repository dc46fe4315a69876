// Interventions are data. There are four kinds: Set, Add, Hold and Cut. Experiments use them so:
//
//   corrupting a prompt    another prompt, or Add at Site::kEmbed
//   restoring a state      Set to the clean run's value
//   blocking a path        Hold at the base run's value, beside a Set
//   mean ablation          Set
//   knockout               Cut
//   value search (ROME)    Add with a delta that requires grad
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "mambascope/model/hooks.h"
#include "mambascope/model/site.h"

namespace mambascope {

// The state at a place and a token. Tokens are counted from 0 in their prompt.
struct StateId {
  Site site;
  int layer;
  int64_t token;
  Place place() const { return {site, layer}; }
};

// Replaces the state by `value` [width].
struct Set {
  StateId at;
  at::Tensor value;
};

// Adds `delta` [width] to the state.
struct Add {
  StateId at;
  at::Tensor delta;
};

// Replaces the state by its value in the base run, which is the same prompt without the variant.
struct Hold {
  StateId at;
};

// In the mixers of `layer`, the tokens `to` do not read the tokens `from`. If the convolution is
// cut too, the targets see every token within the convolution's reach of a source as if the
// source's input were 0. They then ignore values that other interventions set at Site::kSsmIn of
// such tokens.
struct Cut {
  int layer;
  std::vector<int64_t> from, to;
  // Bool [Mixer::channels], the channels in which the cut acts. Undefined: all.
  at::Tensor channels = {};
  CutKind kind = CutKind::kMixing;
  std::optional<MixerKind> mixers = {};  // the kind of mixer in which the cut acts; none: all
};

using Intervention = std::variant<Set, Add, Hold, Cut>;

// The interventions on one run. Interventions on the same state act in list order.
using Variant = std::vector<Intervention>;

}  // namespace mambascope
