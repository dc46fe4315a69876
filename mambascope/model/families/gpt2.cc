// GPT-2 (Radford et al. 2019): m = h + Attn(LN1(h)),  h' = m + MLP(LN2(m)). Positions are learned
// and added to the embedding (model.cc). Its checkpoints store every weight transposed, [in, out].
#include <ATen/ATen.h>

#include "mambascope/model/attention.h"
#include "mambascope/model/block.h"
#include "mambascope/model/families/config_fields.h"
#include "mambascope/model/families/families.h"
#include "mambascope/model/mlp.h"
#include "mambascope/model/norms.h"

namespace mambascope {
namespace {

void ReadGpt2(const Fields& f, Config& c) {
  ReadGptSizes(f, c, /*tied=*/true);
  c.positions = c.max_tokens = f.Size("n_positions", 1024);
  c.max_tokens_reason = "n_positions";
  c.attention.qkv_bias = c.attention.out_bias = true;
  f.Demand("scale_attn_weights", true);
  f.Demand("scale_attn_by_inverse_layer_idx", false);
  f.Demand("add_cross_attention", false);
}

Projection LoadTransposed(const Weights& w, const std::string& name, int64_t out, int64_t in) {
  return {w.Matrix(name + ".weight", {in, out}).t(), w.Float(name + ".bias", {out}),
          w.FullName(name + ".weight")};
}

// The rows of c_attn [3 d_model, d_model] are all queries, then all keys, then all values.
ProjectHeads HeadsByKind(const AttentionConfig& a, const Projection& qkv) {
  return [a, qkv](const at::Tensor& x) -> AttentionInput {
    const auto parts = Linear(x, qkv)
                           .reshape({-1, 3 * a.heads, a.head_dim})
                           .chunk(3, 1);  // [row, heads, head_dim] each
    return {parts[0], parts[1], parts[2]};
  };
}

std::unique_ptr<Layer> MakeGpt2Layer(const Config& config, const Weights& w, int64_t /*layer*/) {
  const int64_t d = config.d_model, width = config.mlp.width;
  const AttentionConfig& a = config.attention;
  return MakeBlock(
      d, {{.kind = Sublayer::Kind::kMixer,
           .norm = LoadLayerNorm(w, "ln_1", config),
           .parts = {MakeAttention({a, CutKind::kEmptyRowsUniform, /*transposed=*/true},
                                   HeadsByKind(a, LoadTransposed(w, "attn.c_attn", 3 * d, d)),
                                   LoadTransposed(w, "attn.c_proj", d, d))}},
          {.kind = Sublayer::Kind::kMlp,
           .norm = LoadLayerNorm(w, "ln_2", config),
           .parts = {
               MakeMlp(PlainHidden(config.mlp.activation, LoadTransposed(w, "mlp.c_fc", width, d)),
                       LoadTransposed(w, "mlp.c_proj", d, width), /*transposed=*/true)}}});
}

}  // namespace

const Family& Gpt2Family() {
  static const Family family{
      .model_types = {"gpt2"},
      .read = ReadGpt2,
      .names = {.prefix = "transformer.", .blocks = "h", .embedding = "wte", .norm = "ln_f"},
      .final_norm = NormKind::kLayer,
      .make_layer = MakeGpt2Layer};
  return family;
}

}  // namespace mambascope
