// Model is a language model: embedding, blocks, final norm and unembedding.
//
//   Model model = Model::Load("models/demo-mamba");
//   Packing packing = Packing::Whole({5});
//   at::Tensor h = model.Forward({425, 318, 282, 634, 266}, packing);  // [5, d_model]
//   at::Tensor logits = model.Unembed(h);                              // [5, vocab]
//
// A Model never changes after its construction. The caller holds everything that a pass remembers.
#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
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

// A rank-k change of one weight: W becomes W + v^T u. The output for a key x [in] then grows by v^T
// u x.
struct Edit {
  int layer;
  std::string projection;  // EditableWeight::name
  at::Tensor u;            // [k, in]
  at::Tensor v;            // [k, out]
};

struct ModelOptions {
  // Type of the blocks' weight matrices: float32 or bfloat16. Embedding and unembedding stay
  // float32, since bfloat16 logits would be off by 0.1.
  at::ScalarType dtype = at::kFloat;
  at::Device device = at::kCPU;
  // The authors' code, which trained the models, and transformers 5.17 differ in two kinds of
  // model. Mamba-2 with several groups takes one RMS for each group in the gated norm before W_o.
  // transformers takes one over the whole width. Gemma 2 caps the scores of attention. The default
  // attention of transformers does not.
  enum class Reading { kAuthors, kTransformers } reading = Reading::kAuthors;
};

class Weights;

class Model {
 public:
  // Loads the checkpoint in `folder`. Throws Error when something in it is missing, has the wrong
  // shape or is not supported.
  static Model Load(const std::filesystem::path& folder, const ModelOptions& options = {});
  // Makes a model with this config and with weights from `source`.
  Model(const Config& config, const WeightSource& source, const ModelOptions& options = {});

  // Returns a copy of this model with `edits` made, in every layer that shares an edited weight.
  // The copy shares all other weights with this model, which does not change. Throws Error for a
  // layer or projection that the model lacks, and for an edit of the wrong width.
  Model Edited(const std::vector<Edit>& edits) const;
  // Returns a model with these layers between this model's embedding and final norm. Its config()
  // and parameters() are those of this model, except for the number of layers. REQUIRES: at least
  // one layer; all layers have this model's d_model and device.
  Model WithLayers(std::vector<std::shared_ptr<const Layer>> layers) const;

  // `tokens`, or fewer where the model computes no longer text (Config::max_tokens).
  int64_t CutLength(int64_t tokens) const {
    return config_.max_tokens > 0 ? std::min(tokens, config_.max_tokens) : tokens;
  }
  const Config& config() const { return config_; }
  int layers() const { return static_cast<int>(layers_.size()); }
  const Layer& layer(int l) const { return *layers_[static_cast<size_t>(l)]; }
  const std::shared_ptr<const Layer>& shared_layer(int l) const {
    return layers_[static_cast<size_t>(l)];
  }
  int64_t parameters() const { return parameters_; }
  // Warnings about the weights for the user, one sentence each: weights that contradict
  // config.json, and weights that no part of the model reads.
  const std::vector<std::string>& warnings() const { return warnings_; }
  at::Device device() const { return options_.device; }

  // Returns the sites that at least one layer has, each once: Site::kEmbed, then the other sites in
  // the order of the enum, then Site::kResid. The width is that of the first layer that has the
  // site.
  std::vector<SiteInfo> sites() const;
  // Returns the layers that have this site, in ascending order. No layer has Site::kEmbed.
  std::vector<int> LayersWith(Site site) const;
  // Returns the layers that have a mixer of this kind, in ascending order.
  std::vector<int> LayersWith(MixerKind kind) const;
  // Returns whether some layer reads the embedding besides its input (Layer::ReadsEmbedding).
  bool ReadsEmbedding() const;
  // Returns whether `place` exists in this model.
  bool Has(const Place& place) const;
  // Returns the width of the states at `place`. REQUIRES: Has(place).
  int64_t width(const Place& place) const;

  // Returns the layers that use the same weight as `layer` for this projection, and `layer` itself,
  // in ascending order. An edit changes them all. Throws Error as editable() does.
  std::vector<int> LayersSharing(int layer, const std::string& projection) const;
  // Returns the names of the projections that can be edited in at least one layer, each once.
  std::vector<std::string> projections() const;
  // Returns the layers in which this projection can be edited, in ascending order.
  std::vector<int> LayersWith(const std::string& projection) const;
  // Returns the projection `name` of `layer`. Throws Error for a layer out of range, or a name that
  // the layer lacks.
  EditableWeight editable(int layer, const std::string& name) const;

  // Returns the embeddings of `ids`, one for each packed row, [row, d_model]. Throws Error for an
  // id outside the vocabulary, and for a prompt longer than config().max_tokens.
  at::Tensor Embed(std::span<const int64_t> ids, const Packing& packing) const;
  // Embeds `ids`, computes all blocks, and returns the last block's output [row, d_model], before
  // the final norm. `from` and `kept` hold one Carry per layer. `from` may be null when no segment
  // continues, and `kept` when no row is kept. Throws Error where the pass would take more memory
  // than there is. If `top` is given, the layers above it are left out,
  // and the output is that of block `top` (kEmbedLayer: the embedding).
  at::Tensor Forward(std::span<const int64_t> ids, const Packing& packing, Hooks* hooks = nullptr,
                     const std::vector<Carry>* from = nullptr, std::vector<Carry>* kept = nullptr,
                     std::optional<int> top = {}) const;
  // Estimates the bytes of Forward over these rows, of which `longest` are one prompt's. Only one
  // layer is computed at a time.
  int64_t PassBytes(int64_t rows, int64_t longest) const;
  // Returns each layer's carry after the last token of `ids`, as one slot. `top` is as in Forward.
  // REQUIRES: !ids.empty().
  std::vector<Carry> CarriesAfter(std::span<const int64_t> ids, std::optional<int> top = {}) const;
  at::Tensor FinalNorm(const at::Tensor& h) const;
  // LogitPart expresses a token's logit as a linear function of the last block's output h
  // [d_model]. With the final norm's scale fixed at its value for h, the logit of `id` is direction
  // . h + offset. A part u of h then contributes direction . u. The direction includes the
  // subtraction of a layer norm's mean. In models that cap logits, it is UncappedLogits.
  struct LogitPart {
    at::Tensor direction;  // [d_model]
    double offset;         // from the biases of the layer norm and of the unembedding
  };
  LogitPart LogitDirection(const at::Tensor& h, int64_t id) const;
  // Returns the logits before they are capped, [row, vocab]. Most models do not cap them.
  at::Tensor UncappedLogits(const at::Tensor& h) const;
  // Returns the logits [row, vocab], float32, of outputs of the last block h [row, d_model].
  at::Tensor Unembed(const at::Tensor& h) const;
  // Unembeds h [row, d_model] in parts, since the logits of many rows take much memory. Calls
  // use(begin, logits [some, vocab]) for each part in order; `begin` is its first row.
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
  at::Tensor positions_;  // [positions, d_model]; only GPT-2
  std::vector<std::shared_ptr<const Layer>> layers_;
  at::Tensor norm_, norm_bias_;  // [d_model]; an RMS norm has no bias
  at::Tensor unembedding_;       // [vocab, d_model]
  at::Tensor unembedding_bias_;  // [vocab], or undefined
};

}  // namespace mambascope
