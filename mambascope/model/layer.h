// One block of a model: its mixers and its MLP, with their norms and residual additions. Each
// architecture is one file that makes its layers. The layers of one model may differ, so whatever
// depends on the architecture is a question that a layer answers.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mambascope/checkpoint/config.h"
#include "mambascope/model/hooks.h"
#include "mambascope/model/kernels/packing.h"
#include "mambascope/model/layer_cost.h"
#include "mambascope/model/mixer.h"
#include "mambascope/model/mixing.h"
#include "mambascope/model/weights.h"

namespace mambascope {

// An EditableWeight is a projection whose weight an edit can change. It maps the state at one site,
// the key, to the state at another, the value.
struct EditableWeight {
  std::string name;         // the papers': W_a, W_g, W_o, W_down
  at::Tensor weight;        // [out, in], a view of the layer's own weight
  Site key, value;          // the sites that it reads and writes
  std::string tensor;       // the tensor of the checkpoint that holds it
  int64_t row = 0;          // the first of its rows there
  bool transposed = false;  // there it is [in, out]
};

class Layer {
 public:
  virtual ~Layer() = default;

  // Returns the block's output [row, d_model], given its input `h` [row, d_model]. Segments that
  // continue read their slot of `from`. After each row of packing.kept the carry goes to the next
  // slot of `kept`, which stays untouched when packing.kept is empty.
  virtual at::Tensor Forward(const at::Tensor& h, const Packing& packing, const Carry& from,
                             Carry& kept, const LayerHooks& hooks) const = 0;

  // Returns the sites that Forward passes to the hooks, in that order.
  virtual std::vector<SiteInfo> sites() const = 0;
  // Tells whether the state at `site` is added to the block's output as it is, and nothing else of
  // the block reads it. Then a delta that is added to the state acts as the same delta added at
  // Site::kResid. It is false for a site that the layer lacks.
  virtual bool IsAddedToOutput(Site site) const = 0;
  // Returns what hands something from token to token here. A block of an MLP alone has no mixer.
  virtual std::vector<Mixer> mixers() const = 0;
  // Returns the projections that can be edited. The published edits of this architecture change the
  // last one.
  virtual std::vector<EditableWeight> editable() const = 0;
  // Returns about what computing the layer takes.
  virtual LayerCost cost() const = 0;

  // Returns this layer with `change` [out, in] added to the editable weight `name`. It shares all
  // other weights with this one.
  virtual std::unique_ptr<Layer> Edited(const std::string& name,
                                        const at::Tensor& change) const = 0;

  // Returns what each of mixers() moves between the tokens of one whole prompt, given the block's
  // input `h` [token, d_model].
  virtual std::vector<Mixing> Mix(const at::Tensor& h) const = 0;

  // Returns the width of the states at `site`, or none where the layer lacks it.
  std::optional<int64_t> FindWidth(Site site) const;
  bool Has(Site site) const { return FindWidth(site).has_value(); }
  // Tells whether a projection of this name can be edited here.
  bool HasEditable(const std::string& name) const;
};

// Returns the projection of `layer` that has this name. Throws Error, which lists what there is,
// for another name.
EditableWeight FindEditable(const Layer& layer, const std::string& name);

// Returns what `layer` passes to the hooks in one whole prompt, given its input `h` [token,
// d_model]: by site [token, width].
std::map<Site, at::Tensor> LayerStates(const Layer& layer, const at::Tensor& h);

// These are the sites of a Mamba block without an MLP, and of a transformer's block.
std::vector<SiteInfo> MambaSites(const Config& config);
std::vector<SiteInfo> TransformerSites(const Config& config);

// These make the layers of the architectures. `w` is scoped to the layer.
std::unique_ptr<Layer> MakeMamba1Layer(const Config& config, const Weights& w);
std::unique_ptr<Layer> MakeMamba2Layer(const Config& config, const Weights& w);
std::unique_ptr<Layer> MakeNeoxLayer(const Config& config, const Weights& w);
std::unique_ptr<Layer> MakeGpt2Layer(const Config& config, const Weights& w);
std::unique_ptr<Layer> MakeLlamaLayer(const Config& config, const Weights& w);

}  // namespace mambascope
