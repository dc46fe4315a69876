// A Part of a block reads the block's normed residual stream and returns what is added to it.
// Mixers and MLPs are parts. A Block (block.h) composes parts as its architecture's equations do.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mambascope/model/editable_weight.h"
#include "mambascope/model/hooks.h"
#include "mambascope/model/kernels/packing.h"
#include "mambascope/model/layer_cost.h"
#include "mambascope/model/mixer.h"
#include "mambascope/model/mixing.h"

namespace mambascope {

class Part {
 public:
  virtual ~Part() = default;

  // Returns the part's output [row, d_model] for its input `x` [row, d_model]. A mixer reads and
  // writes the carries as Layer::Forward says; an MLP ignores them.
  virtual at::Tensor Forward(const at::Tensor& x, const Packing& packing, const Carry& from,
                             Carry& kept, const LayerHooks& hooks) const = 0;

  // Returns the type to which all products of the part round their input x. With x of this type,
  // the output is the same as with float32.
  virtual at::ScalarType InputType() const { return at::kFloat; }

  // Returns the sites inside the part, in the order of the calls. The block has the sites of its
  // input and its output.
  virtual std::vector<SiteInfo> sites() const = 0;
  // Returns the projections that can be edited. A `value` of kMixerOut or kMlpOut is the part's
  // output. By default there are none.
  virtual std::vector<EditableWeight> editable() const { return {}; }
  // Returns the cost of the part alone.
  virtual LayerCost cost() const = 0;
  // Returns a copy with `change` [out, in] added to the editable weight `name`. REQUIRES:
  // editable() has it.
  virtual std::unique_ptr<Part> Edited(const std::string& name, const at::Tensor& change) const;

  // Return a mixer's properties, and what it moves between the tokens of one whole prompt with the
  // input `x`. Nothing for an MLP.
  virtual std::optional<Mixer> mixer() const { return std::nullopt; }
  virtual std::optional<Mixing> Mix(const at::Tensor& /*x*/) const { return std::nullopt; }
};

// Returns the states of one whole prompt that `part` passes to the hooks, [token, width] for each
// site. `x` [token, d_model] is the part's input.
std::map<Site, at::Tensor> PartStates(const Part& part, const at::Tensor& x);

}  // namespace mambascope
