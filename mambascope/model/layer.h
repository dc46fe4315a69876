// A Layer is one block of a model: its mixers and its MLP, with their norms and residual additions.
// The layers of one model may differ, so code outside asks the layer for everything that depends on
// the architecture. A Block (block.h) is the layer that all families use.
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

// What a layer reads of one whole prompt, [token, d_model] each.
struct LayerInput {
  at::Tensor h;          // the block's input
  at::Tensor embedding;  // the embedding of the tokens, which a few layers read
};

class Layer {
 public:
  virtual ~Layer() = default;

  // Returns the block's output [row, d_model] for its input `h` [row, d_model]. Segments that
  // continue read their slot of `from`. The carry after each row of packing.kept is stored in the
  // next slot of `kept`. `kept` is unchanged when packing.kept is empty. REQUIRES:
  // packing.embedding is defined if ReadsEmbedding().
  virtual at::Tensor Forward(const at::Tensor& h, const Packing& packing, const Carry& from,
                             Carry& kept, const LayerHooks& hooks) const = 0;

  // Returns the sites that Forward passes to the hooks, in the order of the calls.
  virtual std::vector<SiteInfo> sites() const = 0;
  // Returns whether the layer reads packing.embedding besides its input.
  virtual bool ReadsEmbedding() const { return false; }
  // Returns whether the state at `site` is added unchanged to the block's output and read by
  // nothing else in the block. A delta added to such a state has the same effect as that delta
  // added at Site::kResid. Returns false for a site that the layer lacks.
  virtual bool IsAddedToOutput(Site site) const = 0;
  // Returns the parts that pass information between tokens. A block with only an MLP has none.
  virtual std::vector<Mixer> mixers() const = 0;
  // Returns the projections that can be edited. The last one is the one that published edits of
  // this architecture change.
  virtual std::vector<EditableWeight> editable() const = 0;
  // Returns an estimate of the memory that computing the layer takes.
  virtual LayerCost cost() const = 0;

  // Returns a copy of this layer with `change` [out, in] added to the editable weight `name`. The
  // copy shares all other weights with this layer.
  virtual std::unique_ptr<Layer> Edited(const std::string& name,
                                        const at::Tensor& change) const = 0;

  // Returns, for each of mixers(), what it moves between the tokens of one whole prompt.
  virtual std::vector<Mixing> Mix(const LayerInput& input) const = 0;

  // Returns the width of the states at `site`, or nothing when the layer lacks the site.
  std::optional<int64_t> FindWidth(Site site) const;
  bool Has(Site site) const { return FindWidth(site).has_value(); }
  // Returns whether the projection `name` can be edited here.
  bool HasEditable(const std::string& name) const;
};

// Returns the editable projection of `layer` with this name. Throws Error, listing the names, when
// there is none.
EditableWeight FindEditable(const Layer& layer, const std::string& name);

// Returns the states of one whole prompt that `layer` passes to the hooks, [token, width] for each
// site.
std::map<Site, at::Tensor> LayerStates(const Layer& layer, const LayerInput& input);

}  // namespace mambascope
