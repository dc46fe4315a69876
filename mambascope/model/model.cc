#include "mambascope/model/model.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <stdexcept>

#include "mambascope/error.h"
#include "mambascope/model/ops.h"

namespace mambascope {
namespace {

// Where a family keeps the parts that are not in a block. GPT-2's first checkpoints lack the "transformer." that later ones have, and the
// state-spaces repositories say "embedding" where Hugging Face says "embeddings".
struct Names {
  std::string blocks, embedding, norm, unembedding;
};

Names NamesOf(const Config& config, const WeightSource& source) {
  switch (config.architecture) {
    case Architecture::kMamba1:
    case Architecture::kMamba2:
      return {"backbone.layers", source.Has("backbone.embedding.weight") ? "backbone.embedding" : "backbone.embeddings", "backbone.norm_f",
              "lm_head"};
    case Architecture::kNeox: return {"gpt_neox.layers", "gpt_neox.embed_in", "gpt_neox.final_layer_norm", "embed_out"};
    case Architecture::kGpt2: {
      const std::string prefix = source.Has("wte.weight") ? "" : "transformer.";
      return {prefix + "h", prefix + "wte", prefix + "ln_f", "lm_head"};
    }
    case Architecture::kLlama: return {"model.layers", "model.embed_tokens", "model.norm", "lm_head"};
  }
  throw Error("unknown architecture");
}

std::unique_ptr<Layer> MakeLayer(const Config& config, const Weights& w) {
  switch (config.architecture) {
    case Architecture::kMamba1: return MakeMamba1Layer(config, w);
    case Architecture::kMamba2: return MakeMamba2Layer(config, w);
    case Architecture::kNeox: return MakeNeoxLayer(config, w);
    case Architecture::kGpt2: return MakeGpt2Layer(config, w);
    case Architecture::kLlama: return MakeLlamaLayer(config, w);
  }
  throw Error("unknown architecture");
}

// What the kernels, which read plain arrays, rely on. A violation is the caller's mistake, not the user's.
void CheckPacking(size_t ids, const Packing& packing, size_t layers, const std::vector<Carry>* from, const std::vector<Carry>* kept) {
  const auto require = [](bool holds, const char* what) {
    if (!holds) throw std::logic_error(what);
  };
  require(packing.rows() == static_cast<int64_t>(ids), "a packing must have one row per token");
  require(packing.kept.empty() || kept != nullptr, "a packing that keeps carries needs a place for them");
  int64_t row = 0;
  for (const Segment& s : packing.segments) {
    require(s.begin == row && s.length > 0, "segments must lie one after the other");
    require(s.carry < 0 || (from != nullptr && from->size() == layers), "a segment that continues needs the carries of all layers");
    row = s.end();
  }
  for (size_t i = 0; i < packing.kept.size(); ++i) {
    require(packing.kept[i] < row && packing.kept[i] >= 0 && (i == 0 || packing.kept[i - 1] < packing.kept[i]), "kept rows must ascend");
  }
}

// Passes weights on and counts them.
class CountingSource : public WeightSource {
 public:
  explicit CountingSource(const WeightSource& source) : source_(source) {}
  bool Has(const std::string& name) const override { return source_.Has(name); }
  at::Tensor Get(const std::string& name, const std::vector<int64_t>& shape) const override {
    at::Tensor weight = source_.Get(name, shape);
    count_ += weight.numel();
    return weight;
  }
  int64_t count() const { return count_; }

 private:
  const WeightSource& source_;
  mutable int64_t count_ = 0;
};

}  // namespace

Model Model::Load(const std::filesystem::path& folder, const ModelOptions& options) {
  const Checkpoint checkpoint = Checkpoint::Open(folder);
  return {checkpoint.config(), checkpoint, options};
}

Model::Model(const Config& config, const WeightSource& source, const ModelOptions& options) : config_(config), options_(options) {
  const CountingSource counted(source);
  const Weights w(counted, options.dtype, options.device);
  const Names names = NamesOf(config, source);
  const std::vector<int64_t> table = {config.vocab, config.d_model};
  const bool rms_norm = config.architecture != Architecture::kNeox && config.architecture != Architecture::kGpt2;
  embedding_ = w.Float(names.embedding + ".weight", table);
  if (config.positions > 0)
    positions_ = w.Float(names.embedding.substr(0, names.embedding.size() - 3) + "wpe.weight", {config.positions, config.d_model});
  for (int64_t l = 0; l < config.layers; ++l) layers_.push_back(MakeLayer(config, w.Scope(fmt::format("{}.{}", names.blocks, l))));
  norm_ = w.Float(names.norm + ".weight", {config.d_model});
  if (!rms_norm) norm_bias_ = w.Float(names.norm + ".bias", {config.d_model});
  unembedding_ = config.tied_embeddings ? embedding_ : w.Float(names.unembedding + ".weight", table);
  parameters_ = counted.count();
}

Model Model::Edited(const std::vector<Edit>& edits) const {
  Model edited = *this;
  for (const Edit& edit : edits) {
    const at::Tensor weight = edited.editable(edit.layer, edit.projection).weight;
    const bool fits = edit.u.dim() == 2 && edit.v.dim() == 2 && edit.u.size(0) == edit.v.size(0) && edit.u.size(1) == weight.size(1) &&
                      edit.v.size(1) == weight.size(0);
    if (!fits) {
      throw Error(
          fmt::format("an edit of {} at layer {}: u {} and v {} do not fit its {} inputs and {} outputs", edit.projection, edit.layer,
                      fmt::join(edit.u.sizes(), " x "), fmt::join(edit.v.sizes(), " x "), weight.size(1), weight.size(0)),
          "is it of another model?");
    }
    std::shared_ptr<const Layer>& layer = edited.layers_[static_cast<size_t>(edit.layer)];
    layer = layer->Edited(edit.projection, edit.v.to(weight.options()).t().mm(edit.u.to(weight.options())));
  }
  return edited;
}

EditableWeight Model::editable(int layer, const std::string& name) const {
  if (layer < 0 || layer >= layers())
    throw Error(fmt::format("layer {} is out of range", layer), fmt::format("the model has layers 0 to {}", layers() - 1));
  return FindEditable(this->layer(layer), name);
}

int64_t Model::width(Site site) const {
  const std::vector<SiteInfo> all = sites();
  return std::find_if(all.begin(), all.end(), [&](const SiteInfo& info) { return info.site == site; })->width;
}

std::vector<SiteInfo> Model::sites() const {
  std::vector<SiteInfo> sites = layers_.front()->sites();
  sites.insert(sites.begin(), {Site::kEmbed, config_.d_model});
  return sites;
}

at::Tensor Model::Embed(std::span<const int64_t> ids, const Packing& packing) const {
  for (int64_t id : ids) {
    if (id < 0 || id >= config_.vocab) throw Error(fmt::format("token id {} is outside the model's vocabulary of {}", id, config_.vocab));
  }
  for (const Segment& s : packing.segments) {
    const int64_t length = s.position + s.length;
    if (config_.max_tokens > 0 && length > config_.max_tokens) {
      throw Error(
          fmt::format("a prompt of {} tokens is longer than this model's {} of {}", length, config_.max_tokens_reason, config_.max_tokens));
    }
  }
  const at::Tensor rows = at::tensor(at::ArrayRef<int64_t>(ids.data(), ids.size()), at::kLong).to(options_.device);
  at::Tensor h = embedding_.index_select(0, rows);
  return positions_.defined() ? h + positions_.index_select(0, packing.Positions().to(options_.device)) : h;
}

at::Tensor Model::Forward(std::span<const int64_t> ids, const Packing& packing, Hooks* hooks, const std::vector<Carry>* from,
                          std::vector<Carry>* kept, std::optional<int> top) const {
  CheckPacking(ids.size(), packing, layers_.size(), from, kept);
  Hooks no_hooks;
  if (hooks == nullptr) hooks = &no_hooks;
  const Carry nothing;
  Carry dropped;
  if (kept != nullptr) kept->assign(layers_.size(), {});
  at::Tensor h = hooks->At({Site::kEmbed, kEmbedLayer}, Embed(ids, packing));
  const auto end = static_cast<size_t>(top.value_or(layers() - 1) + 1);
  for (size_t l = 0; l < end; ++l) {
    h = layers_[l]->Forward(h, packing, from != nullptr ? (*from)[l] : nothing, kept != nullptr ? (*kept)[l] : dropped,
                            {*hooks, static_cast<int>(l)});
  }
  return h;
}

at::Tensor Model::FinalNorm(const at::Tensor& h) const {
  return norm_bias_.defined() ? LayerNorm{norm_, norm_bias_, config_.norm_eps}(h) : RmsNorm(h, norm_, config_.norm_eps);
}

Model::LogitPart Model::LogitDirection(const at::Tensor& h, int64_t id) const {
  const at::Tensor row = unembedding_[id], weighted = row * norm_;
  if (!norm_bias_.defined()) return {weighted * at::rsqrt(h.square().mean() + config_.norm_eps), 0};
  const at::Tensor scale = at::rsqrt(h.var(/*unbiased=*/false) + config_.norm_eps);
  return {(weighted - weighted.mean()) * scale, row.dot(norm_bias_).item<double>()};
}

at::Tensor Model::Unembed(const at::Tensor& h) const { return Linear(FinalNorm(h), {unembedding_, {}}); }

}  // namespace mambascope
