// GPT-NeoX (Black et al. 2022) and Pythia. Attention and MLP either read the same residual stream
// and are added together (parallel), or follow one another (serial).
//
//   parallel:  h' = h + Attn(LN1(h)) + MLP(LN2(h))
//   serial:    r = h + Attn(LN1(h)),  h' = r + MLP(LN2(r))
#include <ATen/ATen.h>

#include "mambascope/model/attention.h"
#include "mambascope/model/block.h"
#include "mambascope/model/families/config_fields.h"
#include "mambascope/model/families/families.h"
#include "mambascope/model/mlp.h"
#include "mambascope/model/norms.h"

namespace mambascope {
namespace {

void ReadNeox(const Fields& f, Config& c) {
  ReadSizes(f, c, "layer_norm_eps", 1e-5, /*tied=*/false);
  c.parallel_residual = f.Get<bool>("use_parallel_residual", true);
  AttentionConfig& a = c.attention;
  a.heads = a.kv_heads = f.Size("num_attention_heads");
  a.head_dim = HeadDim(f, c.d_model, a.heads);
  a.qkv_bias = a.out_bias = f.Get<bool>("attention_bias", true);
  a.rope = ReadRope(f, a.head_dim, 0.25);
  c.mlp = {f.Size("intermediate_size"), ReadActivation(f, "hidden_act", "gelu"), true};
}

// The rows of query_key_value [3 d_model, d_model] hold, for each head in turn, its query, key and
// value.
ProjectHeads HeadsInTurn(const AttentionConfig& a, const Projection& qkv) {
  return [a, qkv](const at::Tensor& x) -> AttentionInput {
    const auto parts = Linear(x, qkv)
                           .reshape({-1, a.heads, 3 * a.head_dim})
                           .chunk(3, 2);  // [row, heads, head_dim] each
    return {parts[0], parts[1], parts[2]};
  };
}

std::unique_ptr<Layer> MakeNeoxLayer(const Config& config, const Weights& w, int64_t /*layer*/) {
  const int64_t d = config.d_model, width = config.mlp.width;
  const AttentionConfig& a = config.attention;
  const ProjectHeads heads =
      HeadsInTurn(a, Projection::Load(w, "attention.query_key_value", 3 * d, d, a.qkv_bias));
  return MakeBlock(
      d,
      {{.kind = Sublayer::Kind::kMixer,
        .norm = LoadLayerNorm(w, "input_layernorm", config),
        .parts = {MakeAttention({a, CutKind::kMixing}, heads,
                                Projection::Load(w, "attention.dense", d, d, a.out_bias))}},
       {.kind = Sublayer::Kind::kMlp,
        .reads = config.parallel_residual ? Sublayer::Reads::kBlockInput : Sublayer::Reads::kStream,
        .norm = LoadLayerNorm(w, "post_attention_layernorm", config),
        .parts = {MakeMlp(
            PlainHidden(config.mlp.activation,
                        Projection::Load(w, "mlp.dense_h_to_4h", width, d, config.mlp.bias)),
            Projection::Load(w, "mlp.dense_4h_to_h", d, width, config.mlp.bias))}}});
}

}  // namespace

const Family& NeoxFamily() {
  static const Family family{.model_types = {"gpt_neox"},
                             .read = ReadNeox,
                             .names = {.prefix = "gpt_neox.",
                                       .embedding = "embed_in",
                                       .norm = "final_layer_norm",
                                       .unembedding = "embed_out"},
                             .final_norm = NormKind::kLayer,
                             .make_layer = MakeNeoxLayer};
  return family;
}

}  // namespace mambascope
