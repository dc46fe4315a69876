#include "mambascope/model/family.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <vector>

#include "mambascope/checkpoint/refusals.h"
#include "mambascope/error.h"
#include "mambascope/model/text_config.h"

namespace mambascope {
namespace {

const std::vector<const Family*>& Families() {
  static const std::vector<const Family*> families = {
      &Mamba1Family(),        &Mamba2Family(),    &NeoxFamily(),      &Gpt2Family(),
      &GptjFamily(),          &LlamaFamily(),     &GemmaFamily(),     &Olmo2Family(),
      &PhiFamily(),           &Qwen3NextFamily(), &BambaFamily(),     &FalconH1Family(),
      &GraniteHybridFamily(), &JambaFamily(),     &NemotronHFamily(), &Zamba2Family()};
  return families;
}

const Family* FindFamily(const std::string& model_type) {
  for (const Family* family : Families()) {
    for (const std::string_view type : family->model_types) {
      if (type == model_type) return family;
    }
  }
  return nullptr;
}

std::string AllModelTypes() {
  std::vector<std::string_view> types;
  for (const Family* family : Families())
    types.insert(types.end(), family->model_types.begin(), family->model_types.end());
  return fmt::format("{}", fmt::join(types, ", "));
}

void RefuseQuantised(const Fields& f) {
  for (const char* key : {"quantization_config", "compression_config"}) {
    if (!f.Has(key)) continue;
    const Json method = f.Raw(key).is_object() ? f.Raw(key).value("quant_method", Json()) : Json();
    throw Error(fmt::format("{}: quantised weights (field '{}'{}) are not supported", f.name(), key,
                            method.is_string() ? ", " + method.get<std::string>() : ""),
                kQuantisedHint);
  }
}

Config ParseTextModel(const Fields& f) {
  RefuseQuantised(f);
  Config c;
  if (!f.Has("model_type")) {
    if (!f.Has("d_model") || !f.Has("n_layer"))
      f.Fail(
          "expected the field 'model_type', or the fields 'd_model' and 'n_layer' of a "
          "state-spaces model");
    c.family = &StateSpacesFamily();
  } else {
    c.model_type = f.Get<std::string>("model_type");
    c.family = FindFamily(c.model_type);
    if (FindFamily(c.model_type + "_text") != nullptr)
      throw Error(
          fmt::format("{}: '{}' is a multimodal model, whose field 'text_config' is missing",
                      f.name(), c.model_type),
          fmt::format("if it holds the text model alone, its model_type is '{}_text'",
                      c.model_type));
    if (c.family == nullptr)
      throw Error(fmt::format("{}: unknown model_type '{}'", f.name(), c.model_type),
                  "supported: " + AllModelTypes());
    c.vocab = f.Size("vocab_size");
  }
  c.family->read(f, c);
  if (c.attention.rope.dims > 0 || c.sliding_rope.dims > 0) {
    constexpr double kMost = 1e15;
    c.trained_tokens = static_cast<int64_t>(
        std::min(f.Positive("max_position_embeddings", f.Positive("n_positions", kMost)), kMost));
    if (c.trained_tokens == static_cast<int64_t>(kMost)) c.trained_tokens = 0;
  }
  for (const RopeConfig& rope : {c.attention.rope, c.sliding_rope}) {
    if (rope.max_tokens == 0 || (c.max_tokens > 0 && c.max_tokens <= rope.max_tokens)) continue;
    c.max_tokens = rope.max_tokens;
    c.max_tokens_reason = "max_position_embeddings";
  }
  return c;
}

// Returns the names of the family's weights if `source` has them with `outer` before them.
std::optional<ModelNames> NamesAfter(const std::string& outer, const Family& family,
                                     const WeightSource& source) {
  const auto has = [&](const std::string& name) { return source.Has(name + ".weight"); };
  ModelNames names = family.names;
  const std::vector<std::string> prefixes = {names.prefix, "", "model.", "backbone.",
                                             "transformer."};
  // transformers reads the state-spaces name of Mamba's embedding, too.
  const std::vector<std::string> embeddings = {names.embedding, "embedding"};
  for (const std::string& embedding : embeddings) {
    for (const std::string& prefix : prefixes) {
      if (!has(outer + prefix + embedding)) continue;
      names.prefix = outer + prefix;
      names.embedding = embedding;
      if (!has(names.unembedding) && has(outer + names.unembedding))
        names.unembedding = outer + names.unembedding;
      return names;
    }
  }
  return std::nullopt;
}

}  // namespace

Config ParseConfig(const Json& json, const std::string& name) {
  const Fields whole(json, name);
  const std::optional<TextConfig> text = FindTextConfig(whole);
  if (!text) return ParseTextModel(whole);
  RefuseQuantised(whole);
  Config c = ParseTextModel({text->json, fmt::format("{}: field '{}'", name, text->key)});
  c.wrapper = text->wrapper;
  c.tied_embeddings = c.tied_embeddings || text->ties_embeddings;
  return c;
}

Config ReadConfig(const Checkpoint& checkpoint) {
  return ParseConfig(checkpoint.config(), checkpoint.config_name());
}

ModelNames FindNames(const Family& family, const WeightSource& source) {
  for (const char* outer : {"", "base_model."}) {
    if (const std::optional<ModelNames> names = NamesAfter(outer, family, source)) return *names;
  }
  for (const char* outer :
       {"language_model.", "model.language_model.", "text_model.", "model.text_model."}) {
    std::optional<ModelNames> names = NamesAfter(outer, family, source);
    if (!names) continue;
    names->in_wrapper = true;
    return *names;
  }
  return family.names;
}

}  // namespace mambascope
