// A Family says how checkpoints of one kind become a model. Each lies in a file of its own, which
// reads its config.json and composes its blocks, as its equations do.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mambascope/checkpoint/config.h"
#include "mambascope/checkpoint/fields.h"
#include "mambascope/model/layer.h"
#include "mambascope/model/weights.h"

namespace mambascope {

enum class NormKind {
  kRms,    // root mean square, no mean, no bias
  kLayer,  // with mean and bias
};

// The names of the weights outside the blocks.
struct ModelNames {
  std::string prefix = "model.";  // of all names but `unembedding`
  std::string blocks = "layers";  // block l has the prefix "layers.l."
  std::string embedding = "embed_tokens", norm = "norm", unembedding = "lm_head";
  bool in_wrapper = false;  // the names are those of a multimodal model's text model
};

struct Family {
  std::vector<std::string_view> model_types;  // as spelled in config.json
  // Reads config.json, whose model_type and vocab_size are already in `c`. Throws Error for a
  // setting that is not supported: no setting that changes the numbers is ignored.
  void (*read)(const Fields& f, Config& c);
  ModelNames names = {};
  NormKind final_norm = NormKind::kRms;
  // Makes block `layer`, from 0. `w` is scoped to the block.
  std::unique_ptr<Layer> (*make_layer)(const Config& config, const Weights& w, int64_t layer);
};

const Family& BambaFamily();
const Family& FalconH1Family();
const Family& GemmaFamily();
const Family& Gpt2Family();
const Family& GptjFamily();
const Family& GraniteHybridFamily();
const Family& JambaFamily();
const Family& LlamaFamily();
const Family& Mamba1Family();
const Family& Mamba2Family();
const Family& NemotronHFamily();
const Family& NeoxFamily();
const Family& Olmo2Family();
const Family& PhiFamily();
const Family& Qwen3NextFamily();
// The folders of the state-spaces repositories, whose config.json has no model_type.
const Family& StateSpacesFamily();
const Family& Zamba2Family();

}  // namespace mambascope
