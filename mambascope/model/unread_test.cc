// Tensors that a model does not read are named, unless it computes them itself.
#include "mambascope/model/unread.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/model/changed_checkpoint_test_support.h"

namespace mambascope {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class UnreadTest : public testing::TestWithParam<std::string> {
 protected:
  // Returns the warnings of the checkpoint with these tensors beside its own.
  std::vector<std::string> WarningsWith(const std::vector<std::string>& names) const {
    ChangedCheckpoint checkpoint(GetParam());
    for (const std::string& name : names) checkpoint.tensors[name] = at::zeros({1});
    return checkpoint.Load().warnings();
  }
};
INSTANTIATE_TEST_SUITE_P(Checkpoints, UnreadTest, testing::ValuesIn(TinyCheckpoints()), TestName);

TEST_P(UnreadTest, BuffersAreIgnored) {
  EXPECT_THAT(
      WarningsWith({"h.0.attn.bias", "h.0.attn.masked_bias", "h.0.attn.causal_mask",
                    "h.0.attn.attention.bias", "h.0.attention.masked_bias", "x.rotary_emb.inv_freq",
                    "x.rotary_emb.original_inv_freq", "x.rotary_emb.cos_cached",
                    "x.rotary_emb.sin_cached", "x.bn.num_batches_tracked",
                    "embeddings.position_ids", "position_ids", "masked_bias"}),
      IsEmpty());
}

TEST_P(UnreadTest, HeadsOfFurtherTokensAreIgnored) {
  EXPECT_THAT(WarningsWith({"mtp.layers.0.mlp.up_proj.weight", "model.mtp.norm.weight"}),
              IsEmpty());
}

TEST_P(UnreadTest, OthersAreNamed) {
  EXPECT_THAT(WarningsWith({"x.0.mlp.router.weight", "x.0.attn.bias"}),
              ElementsAre(AllOf(HasSubstr("x.0.mlp.router.weight"), Not(HasSubstr("attn.bias")))));
  EXPECT_THAT(WarningsWith({"a", "b", "c", "d", "e", "f", "g"}),
              ElementsAre(HasSubstr("'a', 'b', 'c', 'd', 'e' and 2 more")));
}

}  // namespace
}  // namespace mambascope
