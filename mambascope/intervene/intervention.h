// Interventions are data: four verbs say everything that an experiment does to a run.
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
#include <variant>
#include <vector>

#include "mambascope/model/hooks.h"
#include "mambascope/model/site.h"

namespace mambascope {

// The state at a place and a token, counted from 0 in its prompt.
struct StateId {
  Site site;
  int layer;
  int64_t token;
  Place place() const { return {site, layer}; }
};

// The state becomes `value` [width].
struct Set {
  StateId at;
  at::Tensor value;
};

// `delta` [width] is added to the state.
struct Add {
  StateId at;
  at::Tensor delta;
};

// The state becomes what it is in the base run: the same prompt without the variant.
struct Hold {
  StateId at;
};

// In the mixer of `layer` the tokens `to` do not read the tokens `from`. Where the convolution is cut, too, a token within its reach of a
// source is seen by the targets without the source: what other interventions set at Site::kSsmIn there, they do not see.
struct Cut {
  int layer;
  std::vector<int64_t> from, to;
  at::Tensor channels = {};  // bool [d_inner] (Mamba) or [heads] (transformers): where it acts; undefined: everywhere
  CutKind kind = CutKind::kMixing;
};

using Intervention = std::variant<Set, Add, Hold, Cut>;

// What is done to one run. Interventions on the same state act in the order of the list.
using Variant = std::vector<Intervention>;

}  // namespace mambascope
