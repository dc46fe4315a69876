#include "mambascope/model/model.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/model/kernels/batch_sizes.h"

namespace mambascope {
namespace {

class LogitDirectionTest : public testing::TestWithParam<std::string> {
 protected:
  static bool HasLayerNorm() { return GetParam().starts_with("gpt") || GetParam() == "phi"; }
};
INSTANTIATE_TEST_SUITE_P(Checkpoints, LogitDirectionTest, testing::ValuesIn(TinyCheckpoints()),
                         TestName);

// The direction gives the logit, and the logit's change by a part of h while the norm's scale is
// fixed.
TEST_P(LogitDirectionTest, TimesTheResidualIsTheLogit) {
  const c10::NoGradGuard no_grad;
  const Model model = Model::Load(GoldenFolder() / GetParam());
  const at::Tensor h = model.Forward(std::vector<int64_t>{7, 300, 21}, Packing::Whole({3}))[-1],
                   logits = model.UncappedLogits(h);
  const double scale = logits.abs().max().item<double>();
  double first_offset = 0;
  for (int64_t id : {int64_t{0}, int64_t{21}, model.config().vocab - 1}) {
    const Model::LogitPart part = model.LogitDirection(h, id);
    EXPECT_NEAR(part.direction.dot(h).item<double>() + part.offset, logits[id].item<double>(),
                1e-5 * scale);
    if (id == 0) first_offset = part.offset;
  }
  const bool layer_norm = HasLayerNorm();
  EXPECT_EQ(first_offset != 0, layer_norm);
  // The change of the logit when all features shift by 1.
  const double of_mean = model.LogitDirection(h, 5).direction.sum().item<double>();
  if (layer_norm) EXPECT_NEAR(of_mean, 0, 1e-5);
  else EXPECT_GT(std::abs(of_mean), 1e-3);
}

// With a fixed scale the logit is linear, so h / 2 has half the logit. The norm itself would
// rescale h / 2.
TEST_P(LogitDirectionTest, IsTheGradientWhereTheScaleIsFrozen) {
  const Model model = Model::Load(GoldenFolder() / GetParam());
  at::Tensor h = model.Forward(std::vector<int64_t>{7, 300, 21}, Packing::Whole({3}))[-1].detach();
  const Model::LogitPart part = model.LogitDirection(h, 9);
  h.set_requires_grad(true);
  model.UncappedLogits(h)[9].backward();
  // The scale changes only along h (minus its mean). Across it the gradient is the direction.
  const at::Tensor across = HasLayerNorm() ? (h - h.mean()).detach() : h.detach();
  const auto without = [&](const at::Tensor& x) {
    return x - across * (x.dot(across) / across.dot(across));
  };
  EXPECT_LT(MaxDifference(without(h.grad()), without(part.direction)),
            1e-5 * part.direction.abs().max().item<double>());
}

// Two layers of Zamba2 use one block, so an edit of its weights reaches both, and no other weight.
TEST(SharedWeightTest, AnEditChangesEveryLayerThatUsesIt) {
  const c10::NoGradGuard no_grad;
  const Model model = Model::Load(GoldenFolder() / "zamba2");
  EXPECT_EQ(model.LayersSharing(4, "W_down"), (std::vector<int>{2, 4}));
  EXPECT_EQ(model.LayersSharing(2, "attn_W_o"), (std::vector<int>{2, 4}));
  EXPECT_EQ(model.LayersSharing(2, "W_o"), (std::vector<int>{2}));
  for (const char* projection : {"W_down", "attn_W_o", "W_o"}) {
    const at::Tensor weight = model.editable(4, projection).weight;
    at::manual_seed(2);
    const Edit edit{4, projection, at::randn({1, weight.size(1)}), at::randn({1, weight.size(0)})};
    const Model edited = model.Edited({edit});
    const bool is_shared = std::string(projection) != "W_o";
    for (int l : model.LayersWith(projection)) {
      const at::Tensor change =
          edited.editable(l, projection).weight - model.editable(l, projection).weight;
      const bool changes = l == 4 || (l == 2 && is_shared);
      EXPECT_LT(MaxDifference(change, changes ? edit.v.t().mm(edit.u) : at::zeros_like(change)),
                1e-5)
          << projection << " of layer " << l;
    }
    const std::vector<int64_t> ids = {7, 300, 21};
    EXPECT_GT(MaxDifference(edited.Forward(ids, Packing::Whole({3})),
                            model.Forward(ids, Packing::Whole({3}))),
              1e-3)
        << projection;
  }
  EXPECT_EQ(model.parameters(), 170872) << "a shared weight is counted once";
}

// An edited weight has the type of the others, so that an edited model takes the same kernels.
TEST(EditedModelTest, WeightKeepsItsType) {
  const c10::NoGradGuard no_grad;
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const Model model = Model::Load(GoldenFolder() / "mamba", {.dtype = type});
    const at::Tensor weight = model.editable(1, "W_o").weight;
    EXPECT_EQ(weight.scalar_type(), type);
    const Edit edit{1, "W_o", at::ones({1, weight.size(1)}), at::ones({1, weight.size(0)})};
    const at::Tensor edited = model.Edited({edit}).editable(1, "W_o").weight;
    EXPECT_EQ(edited.scalar_type(), type);
    EXPECT_LT(MaxDifference(edited.to(at::kFloat), weight.to(at::kFloat) + 1), 0.01);
  }
}

TEST(UnembedInPartsTest, PartsAreThoseOfTheWhole) {
  const c10::NoGradGuard no_grad;
  const Model model = Model::Load(GoldenFolder() / "gpt2");
  // One whole part and 3 rows more.
  const int64_t rows = kLogitsTogether / model.config().vocab + 3;
  at::manual_seed(1);
  const at::Tensor few = at::randn({3, model.config().d_model}),
                   h = few.repeat({rows / 3 + 1, 1}).slice(0, 0, rows);
  const at::Tensor want = model.Unembed(few);
  std::vector<int64_t> begins;
  int64_t next = 0;
  model.UnembedInParts(h, [&](int64_t begin, const at::Tensor& logits) {
    EXPECT_EQ(begin, next);
    next += logits.size(0);
    begins.push_back(begin);
    for (int64_t i : {int64_t{0}, logits.size(0) - 1})
      EXPECT_LT(MaxDifference(logits[i], want[(begin + i) % 3]), 1e-5) << begin + i;
  });
  EXPECT_EQ(next, rows);
  EXPECT_EQ(begins, (std::vector<int64_t>{0, rows - 3}));
  model.UnembedInParts(h.slice(0, 0, 0),
                       [](int64_t, const at::Tensor&) { FAIL() << "no rows, no part"; });
}

}  // namespace
}  // namespace mambascope
