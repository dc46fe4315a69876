#include "mambascope/model/family.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "mambascope/error.h"

namespace mambascope {
namespace {

const std::vector<const Family*>& Families() {
  static const std::vector<const Family*> families = {
      &Mamba1Family(),        &Mamba2Family(),    &NeoxFamily(),     &Gpt2Family(),
      &GptjFamily(),          &LlamaFamily(),     &GemmaFamily(),    &Olmo2Family(),
      &PhiFamily(),           &Qwen3NextFamily(), &BambaFamily(),    &FalconH1Family(),
      &GraniteHybridFamily(), &JambaFamily(),     &NemotronHFamily()};
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

}  // namespace

Config ParseConfig(const Json& json, const std::string& name) {
  const Fields f(json, name);
  Config c;
  if (f.Has("quantization_config"))
    f.Fail("quantised weights (field 'quantization_config') are not supported");
  if (!f.Has("model_type")) {
    if (!f.Has("d_model") || !f.Has("n_layer"))
      f.Fail(
          "expected the field 'model_type', or the fields 'd_model' and 'n_layer' of a "
          "state-spaces model");
    c.family = &StateSpacesFamily();
  } else {
    c.model_type = f.Get<std::string>("model_type");
    c.family = FindFamily(c.model_type);
    if (c.family == nullptr)
      throw Error(fmt::format("{}: unknown model_type '{}'", name, c.model_type),
                  "supported: " + AllModelTypes());
    c.vocab = f.Size("vocab_size");
  }
  c.family->read(f, c);
  if (c.attention.rope.max_tokens > 0) {
    c.max_tokens = c.attention.rope.max_tokens;
    c.max_tokens_reason = "max_position_embeddings";
  }
  return c;
}

Config ReadConfig(const Checkpoint& checkpoint) {
  return ParseConfig(checkpoint.config(), checkpoint.config_name());
}

ModelNames FindNames(const Family& family, const WeightSource& source) {
  ModelNames names = family.names;
  const std::vector<std::string> prefixes = {names.prefix, "", "model.", "backbone.",
                                             "transformer."};
  const auto found = std::find_if(prefixes.begin(), prefixes.end(), [&](const std::string& prefix) {
    return source.Has(prefix + names.embedding + ".weight");
  });
  if (found != prefixes.end()) names.prefix = *found;
  return names;
}

}  // namespace mambascope
