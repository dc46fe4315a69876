// GPT-J (Wang & Komatsuzaki 2021): attention and MLP read the same normed input, and are added
// together. Rotary positions pair neighbouring features.
//
//   x = LN(h)        h' = h + Attn(x) + W_down gelu(W_up x)
#include "mambascope/model/attention.h"
#include "mambascope/model/block.h"
#include "mambascope/model/families/config_fields.h"
#include "mambascope/model/families/families.h"
#include "mambascope/model/mlp.h"
#include "mambascope/model/norms.h"

namespace mambascope {
namespace {

void ReadGptj(const Fields& f, Config& c) {
  ReadGptSizes(f, c, /*tied=*/false);
  c.unembedding_bias = true;
  AttentionConfig& a = c.attention;
  a.rope.dims = f.IsNull("rotary_dim") ? a.head_dim : f.Size("rotary_dim", 64);
  if (a.rope.dims > a.head_dim || a.rope.dims % 2 != 0) f.Refuse("rotary_dim");
  a.rope.interleaved = true;
}

std::unique_ptr<Layer> MakeGptjLayer(const Config& config, const Weights& w, int64_t /*layer*/) {
  const int64_t d = config.d_model, width = config.mlp.width;
  const Norm norm = LoadLayerNorm(w, "ln_1", config);
  return MakeBlock(
      d, {{.kind = Sublayer::Kind::kMixer,
           .norm = norm,
           .parts = {LoadAttention({.config = config.attention, .out = "out_proj"}, config,
                                   w.Scope("attn"))}},
          {.kind = Sublayer::Kind::kMlp,
           .reads = Sublayer::Reads::kBlockInput,
           .norm = norm,
           .parts = {MakeMlp(
               PlainHidden(config.mlp.activation, Projection::Load(w, "mlp.fc_in", width, d, true)),
               Projection::Load(w, "mlp.fc_out", d, width, true))}}});
}

}  // namespace

const Family& GptjFamily() {
  static const Family family{
      .model_types = {"gptj"},
      .read = ReadGptj,
      .names = {.prefix = "transformer.", .blocks = "h", .embedding = "wte", .norm = "ln_f"},
      .final_norm = NormKind::kLayer,
      .make_layer = MakeGptjLayer};
  return family;
}

}  // namespace mambascope
