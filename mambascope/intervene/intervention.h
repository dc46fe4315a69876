// Interventions are data. Four verbs say everything that an experiment does to a run.
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

// In the mixers of `layer` the tokens `to` do not read the tokens `from`. Where the convolution is
// cut, too, the targets see a token within its reach of a source without the source. They do not
// see what other interventions set at Site::kSsmIn there.
struct Cut {
  int layer;
  std::vector<int64_t> from, to;
  at::Tensor channels = {};  // bool [Mixer::channels]: where it acts; undefined: everywhere
  CutKind kind = CutKind::kMixing;
};

using Intervention = std::variant<Set, Add, Hold, Cut>;

// What is done to one run. Interventions on the same state act in the order of the list.
using Variant = std::vector<Intervention>;

}  // namespace mambascope
