#include "mambascope/model/model.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <stdexcept>

#include "mambascope/error.h"
#include "mambascope/memory.h"
#include "mambascope/model/family.h"
#include "mambascope/model/kernels/batch_sizes.h"
#include "mambascope/model/kernels/product.h"
#include "mambascope/model/ops.h"
#include "mambascope/model/unread.h"
#include "mambascope/plural.h"

namespace mambascope {
namespace {

// Checks the assumptions of the kernels, which read plain arrays. A violation is a programming
// error, not a user's.
void CheckPacking(size_t ids, const Packing& packing, size_t layers, const std::vector<Carry>* from,
                  const std::vector<Carry>* kept) {
  const auto require = [](bool holds, const char* what) {
    if (!holds) throw std::logic_error(what);
  };
  require(packing.rows() == static_cast<int64_t>(ids), "a packing must have one row per token");
  require(packing.kept.empty() || kept != nullptr,
          "a packing that keeps carries needs `kept` to store them");
  int64_t row = 0;
  for (const Segment& s : packing.segments) {
    require(s.begin == row && s.length > 0, "segments must lie one after the other");
    require(s.carry < 0 || (from != nullptr && from->size() == layers),
            "a segment that continues needs the carries of all layers");
    row = s.end();
  }
  for (size_t i = 0; i < packing.kept.size(); ++i) {
    require(packing.kept[i] < row && packing.kept[i] >= 0 &&
                (i == 0 || packing.kept[i - 1] < packing.kept[i]),
            "kept rows must ascend");
  }
}

}  // namespace

Model Model::Load(const std::filesystem::path& folder, const ModelOptions& options) {
  const Checkpoint checkpoint = Checkpoint::Open(folder);
  if (options.device.is_cpu())
    RequireMemory(checkpoint.BytesToConvert(options.dtype),
                  fmt::format("{}: the weights as {}", folder.string(),
                              options.dtype == at::kFloat ? "float32" : "bfloat16"),
                  options.dtype == at::kFloat ? "--precision bfloat16 takes half as much"
                                              : "take a machine with more memory");
  return {ReadConfig(checkpoint), checkpoint, options};
}

Model::Model(const Config& from, const WeightSource& source, const ModelOptions& options)
    : config_(from), options_(options) {
  if (options.reading == ModelOptions::Reading::kTransformers) {
    if (config_.model_type == "mamba2") config_.ssm.norm_groups = 1;
    if (config_.model_type == "gemma2") config_.attention.softcap = 0;
  }
  const Config& config = config_;
  const CountingSource counted(source);
  const Weights w(counted, options.dtype, options.device);
  const Family& family = *config.family;
  const ModelNames names = FindNames(family, source);
  const std::vector<int64_t> table = {config.vocab, config.d_model};
  const std::string stored = names.prefix + names.embedding + ".weight",
                    head = names.unembedding + ".weight";
  // Of two tied weights, safetensors' save_model keeps one: lm_head, by the order of names.
  const bool head_only = config.tied_embeddings && !w.Has(stored) && w.Has(head);
  embedding_ = w.Float(head_only ? head : stored, table);
  if (config.positions > 0)
    positions_ = w.Float(names.prefix + "wpe.weight", {config.positions, config.d_model});
  for (int64_t l = 0; l < config.layers; ++l)
    layers_.push_back(family.make_layer(
        config, w.Scope(fmt::format("{}{}.{}", names.prefix, names.blocks, l)), l));
  norm_ = w.Float(names.prefix + names.norm + ".weight", {config.d_model});
  if (config.norm_offset != 0) norm_ = norm_ + config.norm_offset;
  if (family.final_norm == NormKind::kLayer)
    norm_bias_ = w.Float(names.prefix + names.norm + ".bias", {config.d_model});
  if (head_only) unembedding_ = embedding_;
  else LoadUnembedding(w, head);
  if (config.unembedding_bias)
    unembedding_bias_ = w.Float(names.unembedding + ".bias", {config.vocab});
  parameters_ += counted.count();
  for (const std::string& warning : WarningsOfUnread(counted.Unread(), names, config))
    warnings_.push_back(warning);
}

void Model::LoadUnembedding(const Weights& w, const std::string& name) {
  const bool is_stored = w.Has(name);
  if (!is_stored && !config_.tied_embeddings)
    throw Error(fmt::format("{}: the checkpoint has no unembedding: tensor '{}' is missing, and "
                            "config.json does not tie it to the embedding (tie_word_embeddings)",
                            w.where(), name),
                "save the whole language model with transformers (AutoModelForCausalLM); the bare "
                "model (AutoModel) has no unembedding");
  unembedding_ = config_.tied_embeddings && !is_stored
                     ? embedding_
                     : w.Float(name, {config_.vocab, config_.d_model});
  if (!config_.tied_embeddings || !is_stored) return;
  if (at::equal(unembedding_, embedding_)) {
    parameters_ -= unembedding_.numel();  // a copy of the embedding adds no parameters
    unembedding_ = embedding_;
    return;
  }
  config_.tied_embeddings = false;
  warnings_.push_back(
      fmt::format("config.json says that the embeddings are tied, but '{}' differs from the "
                  "embedding; the stored weight is used",
                  name));
}

Model Model::Edited(const std::vector<Edit>& edits) const {
  Model edited = *this;
  for (const Edit& edit : edits) {
    const at::Tensor weight = edited.editable(edit.layer, edit.projection).weight;
    const bool fits = edit.u.dim() == 2 && edit.v.dim() == 2 && edit.u.size(0) == edit.v.size(0) &&
                      edit.u.size(1) == weight.size(1) && edit.v.size(1) == weight.size(0);
    if (!fits) {
      throw Error(fmt::format("the edit of {} at layer {} has u {} and v {}; the weight has {} "
                              "inputs and {} outputs",
                              edit.projection, edit.layer, fmt::join(edit.u.sizes(), " x "),
                              fmt::join(edit.v.sizes(), " x "), weight.size(1), weight.size(0)),
                  "was the edit made for another model?");
    }
    const at::NoTF32Guard in_float32;
    const at::Tensor change =
        Product(edit.v.to(weight.options()).t(), edit.u.to(weight.options()))  // [out, in]
            .to(weight.scalar_type());
    for (int l : LayersSharing(edit.layer, edit.projection)) {
      std::shared_ptr<const Layer>& layer = edited.layers_[static_cast<size_t>(l)];
      layer = layer->Edited(edit.projection, change);
    }
  }
  return edited;
}

Model Model::WithLayers(std::vector<std::shared_ptr<const Layer>> layers) const {
  Model model = *this;
  model.layers_ = std::move(layers);
  model.config_.layers = static_cast<int64_t>(model.layers_.size());
  return model;
}

EditableWeight Model::editable(int layer, const std::string& name) const {
  if (layer < 0 || layer >= layers())
    throw Error(fmt::format("layer {} is out of range", layer),
                fmt::format("the model has layers 0 to {}", layers() - 1));
  for (EditableWeight& weight : this->layer(layer).editable()) {
    if (weight.name == name) return std::move(weight);
  }
  const std::vector<int> with = LayersWith(name);
  if (with.empty()) return FindEditable(this->layer(layer), name);  // throws Error
  throw Error(fmt::format("layer {} has no projection '{}'", layer, name),
              fmt::format("layers that have it: {}", fmt::join(with, ", ")));
}

std::vector<int> Model::LayersSharing(int layer, const std::string& projection) const {
  const std::string tensor = editable(layer, projection).tensor;
  std::vector<int> sharing;
  for (int l = 0; l < layers(); ++l) {
    for (const EditableWeight& weight : this->layer(l).editable()) {
      if (weight.name == projection && (l == layer || weight.tensor == tensor))
        sharing.push_back(l);
    }
  }
  return sharing;
}

std::vector<SiteInfo> Model::sites() const {
  std::map<Site, int64_t> widths;  // ordered as the enum
  for (const auto& layer : layers_) {
    for (const SiteInfo& info : layer->sites()) widths.emplace(info.site, info.width);
  }
  std::vector<SiteInfo> sites = {{Site::kEmbed, config_.d_model}};
  for (const auto& [site, width] : widths) {
    if (site != Site::kResid) sites.push_back({site, width});
  }
  if (widths.contains(Site::kResid)) sites.push_back({Site::kResid, widths.at(Site::kResid)});
  return sites;
}

std::vector<int> Model::LayersWith(Site site) const {
  std::vector<int> with;
  for (int l = 0; l < layers(); ++l) {
    if (layer(l).Has(site)) with.push_back(l);
  }
  return with;
}

std::vector<int> Model::LayersWith(MixerKind kind) const {
  std::vector<int> with;
  for (int l = 0; l < layers(); ++l) {
    if (FindMixer(layer(l).mixers(), kind)) with.push_back(l);
  }
  return with;
}

bool Model::ReadsEmbedding() const {
  return std::any_of(layers_.begin(), layers_.end(),
                     [](const auto& layer) { return layer->ReadsEmbedding(); });
}

bool Model::Has(const Place& place) const {
  if (place.site == Site::kEmbed) return place.layer == kEmbedLayer;
  return place.layer >= 0 && place.layer < layers() && layer(place.layer).Has(place.site);
}

int64_t Model::width(const Place& place) const {
  return place.site == Site::kEmbed ? config_.d_model
                                    : layer(place.layer).FindWidth(place.site).value();
}

std::vector<std::string> Model::projections() const {
  std::vector<std::string> names;
  for (const auto& layer : layers_) {
    for (const EditableWeight& weight : layer->editable()) {
      if (std::find(names.begin(), names.end(), weight.name) == names.end())
        names.push_back(weight.name);
    }
  }
  return names;
}

std::vector<int> Model::LayersWith(const std::string& projection) const {
  std::vector<int> with;
  for (int l = 0; l < layers(); ++l) {
    if (layer(l).HasEditable(projection)) with.push_back(l);
  }
  return with;
}

at::Tensor Model::Embed(std::span<const int64_t> ids, const Packing& packing) const {
  for (int64_t id : ids) {
    if (id < 0 || id >= config_.vocab)
      throw Error(fmt::format("token id {} is outside the model's vocabulary of {} tokens", id,
                              config_.vocab));
  }
  for (const Segment& s : packing.segments) {
    const int64_t length = s.position + s.length;
    if (config_.max_tokens > 0 && length > config_.max_tokens) {
      throw Error(fmt::format("a prompt of {} tokens is longer than this model allows ({}: {})",
                              length, config_.max_tokens_reason, config_.max_tokens));
    }
  }
  const at::Tensor rows =
      SentTo(options_.device, at::tensor(at::ArrayRef<int64_t>(ids.data(), ids.size()), at::kLong));
  at::Tensor h = embedding_.index_select(0, rows);
  if (config_.embedding_scale != 1) h = h * config_.embedding_scale;
  return positions_.defined()
             ? h + positions_.index_select(0, SentTo(options_.device, packing.Positions()))
             : h;
}

at::Tensor Model::Forward(std::span<const int64_t> ids, const Packing& rows, Hooks* hooks,
                          const std::vector<Carry>* from, std::vector<Carry>* kept,
                          std::optional<int> top) const {
  CheckPacking(ids.size(), rows, layers_.size(), from, kept);
  if (device().is_cpu()) {
    int64_t longest = 0;
    for (const Segment& s : rows.segments) longest = std::max(longest, s.length);
    RequireMemory(PassBytes(rows.rows(), longest),
                  fmt::format("a pass over {}", Count(rows.rows(), "token")),
                  "take a shorter prompt");
  }
  NoHooks no_hooks;
  if (hooks == nullptr) hooks = &no_hooks;
  const Carry nothing;
  Carry dropped;
  if (kept != nullptr) kept->assign(layers_.size(), {});
  Packing packing = rows;
  at::Tensor h = packing.embedding = hooks->At({Site::kEmbed, kEmbedLayer}, Embed(ids, packing));
  const auto end = static_cast<size_t>(top.value_or(layers() - 1) + 1);
  for (size_t l = 0; l < end; ++l) {
    h = layers_[l]->Forward(h, packing, from != nullptr ? (*from)[l] : nothing,
                            kept != nullptr ? (*kept)[l] : dropped, {*hooks, static_cast<int>(l)});
  }
  return h;
}

int64_t Model::PassBytes(int64_t rows, int64_t longest) const {
  int64_t most = 0;
  for (const auto& layer : layers_) {
    const LayerCost cost = layer->cost();
    most = std::max(most, rows * cost.row + std::min(cost.pair * longest * longest,
                                                     kPairBytes * ScoresTogether(options_.device)));
  }
  return most;
}

std::vector<Carry> Model::CarriesAfter(std::span<const int64_t> ids, std::optional<int> top) const {
  std::vector<Carry> carries;
  Packing packing = Packing::Whole({static_cast<int64_t>(ids.size())});
  packing.kept = packing.LastRows();
  Forward(ids, packing, nullptr, nullptr, &carries, top);
  return carries;
}

at::Tensor Model::FinalNorm(const at::Tensor& h) const {
  return norm_bias_.defined() ? LayerNorm{norm_, norm_bias_, config_.norm_eps}(h)
                              : RmsNorm(h, norm_, config_.norm_eps);
}

Model::LogitPart Model::LogitDirection(const at::Tensor& h, int64_t id) const {
  const at::Tensor row = unembedding_[id] * config_.logit_scale, weighted = row * norm_;
  const double bias =
      unembedding_bias_.defined() ? unembedding_bias_[id].item<double>() * config_.logit_scale : 0;
  if (!norm_bias_.defined())
    return {weighted * at::rsqrt(h.square().mean() + config_.norm_eps), bias};
  const at::Tensor scale = at::rsqrt(h.var(/*unbiased=*/false) + config_.norm_eps);
  return {(weighted - weighted.mean()) * scale, row.dot(norm_bias_).item<double>() + bias};
}

at::Tensor Model::UncappedLogits(const at::Tensor& h) const {
  const at::Tensor logits = Linear(FinalNorm(h), {unembedding_, unembedding_bias_});
  return config_.logit_scale == 1 ? logits : logits * config_.logit_scale;
}

at::Tensor Model::Unembed(const at::Tensor& h) const {
  const at::Tensor logits = UncappedLogits(h);
  return config_.logit_softcap == 0
             ? logits
             : at::tanh(logits / config_.logit_softcap) * config_.logit_softcap;
}

void Model::UnembedInParts(
    const at::Tensor& h,
    const std::function<void(int64_t begin, const at::Tensor& logits)>& use) const {
  const int64_t some = std::max<int64_t>(1, kLogitsTogether / config_.vocab);
  for (int64_t begin = 0; begin < h.size(0); begin += some)
    use(begin, Unembed(h.narrow(0, begin, std::min(some, h.size(0) - begin))));
}

}  // namespace mambascope
