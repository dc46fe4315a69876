#include "mambascope/model/model.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/test_support.h"

namespace mambascope {
namespace {

class LogitDirectionTest : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Checkpoints, LogitDirectionTest, testing::ValuesIn(TinyCheckpoints()), TestName);

// The logit itself, and its change by a part of h while the norm's scale stays.
TEST_P(LogitDirectionTest, TimesTheResidualIsTheLogit) {
  const c10::NoGradGuard no_grad;
  const Model model = Model::Load(GoldenFolder() / GetParam());
  const at::Tensor h = model.Forward(std::vector<int64_t>{7, 300, 21}, Packing::Whole({3}))[-1], logits = model.Unembed(h);
  const double scale = logits.abs().max().item<double>();
  double first_offset = 0;
  for (int64_t id : {int64_t{0}, int64_t{21}, model.config().vocab - 1}) {
    const Model::LogitPart part = model.LogitDirection(h, id);
    EXPECT_NEAR(part.direction.dot(h).item<double>() + part.offset, logits[id].item<double>(), 1e-5 * scale);
    if (id == 0) first_offset = part.offset;
  }
  const bool layer_norm = GetParam().starts_with("gpt");
  EXPECT_EQ(first_offset != 0, layer_norm);
  const double of_mean = model.LogitDirection(h, 5).direction.sum().item<double>();  // what a shift of all features adds
  if (layer_norm) EXPECT_NEAR(of_mean, 0, 1e-5);
  else EXPECT_GT(std::abs(of_mean), 1e-3);
}

// At a frozen scale the logit is linear: halves have half of it, which the norm, whose scale follows, would not say.
TEST_P(LogitDirectionTest, IsTheGradientWhereTheScaleIsFrozen) {
  const Model model = Model::Load(GoldenFolder() / GetParam());
  at::Tensor h = model.Forward(std::vector<int64_t>{7, 300, 21}, Packing::Whole({3}))[-1].detach();
  const Model::LogitPart part = model.LogitDirection(h, 9);
  h.set_requires_grad(true);
  model.Unembed(h)[9].backward();
  // The scale changes along h (less its mean) alone: across it the gradient is the direction.
  const at::Tensor across = GetParam().starts_with("gpt") ? (h - h.mean()).detach() : h.detach();
  const auto without = [&](const at::Tensor& x) { return x - across * (x.dot(across) / across.dot(across)); };
  EXPECT_LT(MaxDifference(without(h.grad()), without(part.direction)), 1e-5 * part.direction.abs().max().item<double>());
}

}  // namespace
}  // namespace mambascope
