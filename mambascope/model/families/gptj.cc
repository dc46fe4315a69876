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
  c.d_model = f.Size("n_embd");
  c.layers = f.Size("n_layer");
  c.norm_eps = f.Positive("layer_norm_epsilon", 1e-5);
  c.tied_embeddings = f.Get<bool>("tie_word_embeddings", false);
  c.unembedding_bias = true;
  AttentionConfig& a = c.attention;
  a.heads = a.kv_heads = f.Size("n_head");
  a.head_dim = HeadDim(f, c.d_model, a.heads);
  a.rope.dims = f.IsNull("rotary_dim") ? a.head_dim : f.Size("rotary_dim", 64);
  if (a.rope.dims > a.head_dim || a.rope.dims % 2 != 0) f.Refuse("rotary_dim");
  a.rope.interleaved = true;
  c.mlp = {.width = f.Size("n_inner", 4 * c.d_model),
           .activation = ReadActivation(f, "activation_function", "gelu_new"),
           .bias = true};
}

std::unique_ptr<Layer> MakeGptjLayer(const Config& config, const Weights& w, int64_t /*layer*/) {
  const int64_t d = config.d_model, width = config.mlp.width;
  const auto square = [&](const char* name) { return Projection::Load(w, name, d, d, false); };
  const Norm norm = LoadLayerNorm(w, "ln_1", config);
  return MakeBlock(
      d, {{.kind = Sublayer::Kind::kMixer,
           .norm = norm,
           .parts = {MakeAttention({config.attention},
                                   SeparateHeads(config.attention.head_dim, square("attn.q_proj"),
                                                 square("attn.k_proj"), square("attn.v_proj")),
                                   square("attn.out_proj"))}},
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
