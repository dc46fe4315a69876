// A Model is a language model: embedding, blocks, final norm, unembedding.
//
//   Model model = Model::Load("models/demo-mamba");
//   Packing packing = Packing::Whole({5});
//   at::Tensor logits = model.Unembed(model.Forward({425, 318, 282, 634, 266}, packing));   // [5,
//   vocab]
//
// A Model is constant after it is made; what a pass remembers is the caller's.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mambascope/checkpoint/checkpoint.h"
#include "mambascope/model/hooks.h"
#include "mambascope/model/kernels/packing.h"
#include "mambascope/model/layer.h"

namespace mambascope {

// An Edit is a rank-k change of one weight, W + v^T u. A key k [in] then gives v^T u k more.
struct Edit {
  int layer;
  std::string projection;  // W_a, W_g, W_o, W_down
  at::Tensor u;            // [k, in]
  at::Tensor v;            // [k, out]
};

struct ModelOptions {
  // Of the blocks' weight matrices: float32 or bfloat16. Embedding and unembedding stay float32:
  // bfloat16 logits would be off by 0.1.
  at::ScalarType dtype = at::kFloat;
  at::Device device = at::kCPU;
  // Mamba-2 with several groups: how the gated norm before W_o scales. The authors' code, with
  // which such models were trained, takes an RMS per group. transformers takes one RMS of the whole
  // width.
  enum class GatedNorm { kPerGroup, kWholeWidth } gated_norm = GatedNorm::kPerGroup;
};

class Weights;

class Model {
 public:
  // Reads the checkpoint in `folder`. Throws Error for whatever is missing, misshapen or
  // unsupported in it.
  static Model Load(const std::filesystem::path& folder, const ModelOptions& options = {});
  // Makes a model of this shape with weights from `source`.
  Model(const Config& config, const WeightSource& source, const ModelOptions& options = {});

  // Returns this model with `edits` made. It shares every other weight with this one, which stays
  // as it is. Throws Error for a layer or a projection that the model lacks, and for another width.
  Model Edited(const std::vector<Edit>& edits) const;
  // Returns a model of these layers between the embedding and the final norm of this one. Its
  // config() and parameters() are those of this one, but for the number of layers. REQUIRES: layers
  // of this model's d_model and device, at least one.
  Model WithLayers(std::vector<std::shared_ptr<const Layer>> layers) const;

  const Config& config() const { return config_; }
  int layers() const { return static_cast<int>(layers_.size()); }
  const Layer& layer(int l) const { return *layers_[static_cast<size_t>(l)]; }
  const std::shared_ptr<const Layer>& shared_layer(int l) const {
    return layers_[static_cast<size_t>(l)];
  }
  int64_t parameters() const { return parameters_; }
  // Returns what a user should know of the weights, a sentence each: where they contradict
  // config.json, and which of them no part of the model reads.
  const std::vector<std::string>& warnings() const { return warnings_; }
  at::Device device() const { return options_.device; }

  // Returns the sites that some layer has, each once: Site::kEmbed, those inside a block in the
  // order of a pass, Site::kResid. The width is that of the first layer that has the site.
  std::vector<SiteInfo> sites() const;
  // Returns the layers that have this site, ascending. None has Site::kEmbed.
  std::vector<int> LayersWith(Site site) const;
  // Tells whether there are states at `place`.
  bool Has(const Place& place) const;
  // Returns their width. REQUIRES: Has(place)
  int64_t width(const Place& place) const;

  // Returns the names of the projections that can be edited in some layer, each once.
  std::vector<std::string> projections() const;
  // Returns the layers in which this projection can be edited, ascending.
  std::vector<int> LayersWith(const std::string& projection) const;
  // Returns the projection of this name. Throws Error for a layer, or a name that the layer lacks.
  EditableWeight editable(int layer, const std::string& name) const;

  // Returns the embeddings of `ids`, one per packed row, [row, d_model]. Throws Error for an id
  // outside the vocabulary, and for a prompt longer than the model's learned position table or
  // sliding window.
  at::Tensor Embed(std::span<const int64_t> ids, const Packing& packing) const;
  // Embeds, goes through all blocks, and returns the last block's output [row, d_model], before the
  // final norm. `from` and `kept` hold one Carry per layer; they are null when no segment continues
  // and no row is kept. With `top` the layers above it are left out, and the output is that of
  // block `top` (kEmbedLayer: the embedding).
  at::Tensor Forward(std::span<const int64_t> ids, const Packing& packing, Hooks* hooks = nullptr,
                     const std::vector<Carry>* from = nullptr, std::vector<Carry>* kept = nullptr,
                     std::optional<int> top = {}) const;
  // Returns what the last token of `ids` hands to the next one, a slot in each layer's carry. `top`
  // is as above. REQUIRES: !ids.empty()
  std::vector<Carry> CarriesAfter(std::span<const int64_t> ids, std::optional<int> top = {}) const;
  at::Tensor FinalNorm(const at::Tensor& h) const;
  // A LogitPart makes a token's logit linear in the last block's output. With the final norm's
  // scale frozen at that of h [d_model], the logit of `id` is direction . h + offset, and a part u
  // of h has direction . u of it. A layer norm's mean is taken off in the direction.
  struct LogitPart {
    at::Tensor direction;  // [d_model]
    double offset;         // of the layer norm's bias; 0 for an RMS norm
  };
  LogitPart LogitDirection(const at::Tensor& h, int64_t id) const;
  // Returns the logits [row, vocab], float32, of last-block outputs h [row, d_model].
  at::Tensor Unembed(const at::Tensor& h) const;
  // Unembeds h [row, d_model] some rows at a time, for logits of many rows take much memory. Calls
  // use(begin, logits [some, vocab]) of the rows from `begin` on, in order.
  void UnembedInParts(
      const at::Tensor& h,
      const std::function<void(int64_t begin, const at::Tensor& logits)>& use) const;

 private:
  void LoadUnembedding(const Weights& w, const std::string& name);

  Config config_;
  ModelOptions options_;
  int64_t parameters_ = 0;
  std::vector<std::string> warnings_;
  at::Tensor embedding_;  // [vocab, d_model]
  at::Tensor positions_;  // [positions, d_model]: GPT-2 alone
  std::vector<std::shared_ptr<const Layer>> layers_;
  at::Tensor norm_, norm_bias_;  // [d_model]; no bias: an RMS norm
  at::Tensor unembedding_;       // [vocab, d_model]
};

}  // namespace mambascope
