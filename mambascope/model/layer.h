// One block of a model: mixer (and MLP) with their norms and residual additions. Each architecture is one file that makes its layers.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mambascope/checkpoint/config.h"
#include "mambascope/model/hooks.h"
#include "mambascope/model/mixing.h"
#include "mambascope/model/kernels/packing.h"
#include "mambascope/model/weights.h"

namespace mambascope {

// A projection whose weight an edit can change: it maps the state at one site, the key, to the state at another, the value.
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

  // The block's output [row, d_model], given its input `h` [row, d_model]. Segments that continue read their slot of `from`; after each row
  // of packing.kept the carry goes to the next slot of `kept` (untouched when packing.kept is empty).
  virtual at::Tensor Forward(const at::Tensor& h, const Packing& packing, const Carry& from, Carry& kept,
                             const LayerHooks& hooks) const = 0;

  // The sites that Forward passes to the hooks, in that order.
  virtual std::vector<SiteInfo> sites() const = 0;
  virtual std::vector<EditableWeight> editable() const = 0;
  // This layer with `change` [out, in] added to the editable weight `name`; it shares all other weights.
  virtual std::unique_ptr<Layer> Edited(const std::string& name, const at::Tensor& change) const = 0;

  // What the mixer moves between the tokens of one whole prompt, given the block's input `h` [token, d_model].
  virtual Mixing Mix(const at::Tensor& h) const = 0;
  // Mamba: the decay A of each channel of the mixing, [d_state or 1, channels], negative. Undefined in others.
  virtual at::Tensor decay() const { return {}; }
};

// The one of `layer` that has this name. Throws Error that lists what there is.
EditableWeight FindEditable(const Layer& layer, const std::string& name);

// What `layer` passes to the hooks in one whole prompt, given its input `h` [token, d_model]: [token, width] by site.
std::map<Site, at::Tensor> LayerStates(const Layer& layer, const at::Tensor& h);

// The sites of the two kinds of layers.
std::vector<SiteInfo> MambaSites(const Config& config);
std::vector<SiteInfo> TransformerSites(const Config& config);

// `w` is scoped to the layer.
std::unique_ptr<Layer> MakeMamba1Layer(const Config& config, const Weights& w);
std::unique_ptr<Layer> MakeMamba2Layer(const Config& config, const Weights& w);
std::unique_ptr<Layer> MakeNeoxLayer(const Config& config, const Weights& w);
std::unique_ptr<Layer> MakeGpt2Layer(const Config& config, const Weights& w);
std::unique_ptr<Layer> MakeLlamaLayer(const Config& config, const Weights& w);

}  // namespace mambascope
