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
#include <utility>
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

// The value of a state: a tensor [width], or one row of a tensor of states [row, width]. Rows of
// one tensor are read together, which is faster than reading many tensors.
class StateValue {
 public:
  StateValue(at::Tensor value) : states_(std::move(value)) {}
  StateValue(at::Tensor states, int64_t row) : states_(std::move(states)), row_(row) {}

  at::Tensor tensor() const { return row_ ? states_[*row_] : states_; }
  // [row, width] if row() has a value, else [width].
  const at::Tensor& states() const { return states_; }
  std::optional<int64_t> row() const { return row_; }

 private:
  at::Tensor states_;
  std::optional<int64_t> row_;
};

// Replaces the state by `value`.
struct Set {
  StateId at;
  StateValue value;
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
