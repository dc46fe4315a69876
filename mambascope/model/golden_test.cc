// Compares every tiny random checkpoint and every bundled model with the output of the public
// Python implementation.
#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "mambascope/checkpoint/json.h"
#include "mambascope/checkpoint/tensor_file.h"
#include "mambascope/checkpoint/test_support.h"
#include "mambascope/model/model.h"

namespace mambascope {
namespace {

constexpr double kTolerance = 2e-5;  // relative to the largest absolute logit

// Of gradients. The delta rule amplifies rounding most, and a GPU rounds otherwise than the CPU of
// the golden files.
double GradientTolerance() { return TestDevice().is_cpu() ? 1e-4 : 3e-4; }

// The place of transformers' hidden.i. For its transformers, 0 is the embedding and i is the output
// of block i - 1. Its Mamba classes leave the embedding out, so i is the output of block i. In
// both, the last one comes after the final norm.
Place PlaceOfHidden(const Model& model, int i) {
  const std::string& type = model.config().model_type;
  const bool mamba = type == "mamba" || type == "mamba2" || type == "falcon_mamba";
  const int layer = mamba ? i : i - 1;
  return layer == kEmbedLayer ? Place{Site::kEmbed, kEmbedLayer} : Place{Site::kResid, layer};
}

// Keeps the states at every place, and replaces those at one place.
class Tap : public Hooks {
 public:
  at::Tensor At(const Place& place, const at::Tensor& x) override {
    if (replaced == place) return replacement;
    return seen[place] = x;
  }
  std::map<Place, at::Tensor> seen;
  std::optional<Place> replaced;
  at::Tensor replacement;
};

class GoldenTest : public testing::TestWithParam<std::string> {
 protected:
  // `mamba-original` holds the weights of `mamba` in the state-spaces layout.
  std::string Twin() const {
    const std::string suffix = "-original";
    return GetParam().ends_with(suffix) ? GetParam().substr(0, GetParam().size() - suffix.size())
                                        : GetParam();
  }
  at::Tensor Expected(const std::string& name) const { return expected_->Read(name); }
  // The two prompts of 13 tokens, packed as 26 rows.
  std::vector<int64_t> Ids() const { return ToVector(Expected("input_ids").flatten()); }

  // The files of these were made by transformers, whose gated norm ignores the groups, and whose
  // attention does not cap the scores.
  static ModelOptions Options() {
    const bool differs = GetParam() == "mamba2-groups" || GetParam() == "gemma2";
    return {.device = TestDevice(),
            .reading =
                differs ? ModelOptions::Reading::kTransformers : ModelOptions::Reading::kAuthors};
  }

  Model model_ = Model::Load(GoldenFolder() / GetParam(), Options());
  std::unique_ptr<TensorFile> expected_ =
      OpenSafetensors(GoldenFolder() / Twin() / "expected.safetensors");
  Packing packing_ = Packing::Whole({13, 13});
};

TEST_P(GoldenTest, LogitsAndHiddenStates) {
  Tap tap;
  const at::Tensor h = model_.Forward(Ids(), packing_, &tap);
  const at::Tensor want = Expected("logits").flatten(0, 1);
  const double scale = want.abs().max().item<double>();
  double worst = MaxDifference(model_.Unembed(h), want) / scale;
  EXPECT_LT(worst, kTolerance) << "logits";
  for (int i = 0; i <= model_.layers(); ++i) {
    const at::Tensor got =
        i == model_.layers() ? model_.FinalNorm(h) : tap.seen.at(PlaceOfHidden(model_, i));
    const double error =
        MaxDifference(got, Expected("hidden." + std::to_string(i)).flatten(0, 1)) / scale;
    EXPECT_LT(error, kTolerance) << "hidden." << i;
    worst = std::max(worst, error);
  }
  RecordProperty("largest_error", std::to_string(worst));
  std::printf("%-20s largest error / largest |logit| = %.1e\n", GetParam().c_str(), worst);
}

// grad.hidden.i is the gradient of log p(target) at the last position with respect to hidden.i, for
// each prompt separately.
TEST_P(GoldenTest, GradientsOfHiddenStates) {
  const std::vector<int64_t> ids = Ids(), targets = ToVector(Expected("grad.target"));
  for (int prompt = 0; prompt < 2; ++prompt) {
    const std::vector<int64_t> own(ids.begin() + 13 * prompt, ids.begin() + 13 * (prompt + 1));
    for (int i = 0; i < model_.layers(); ++i) {
      Tap tap;
      tap.replaced = PlaceOfHidden(model_, i);
      tap.replacement = Expected("hidden." + std::to_string(i))[prompt]
                            .clone()
                            .to(TestDevice())
                            .set_requires_grad(true);
      const at::Tensor logits = model_.Unembed(model_.Forward(own, Packing::Whole({13}), &tap)[-1]);
      const at::Tensor logp = logits.log_softmax(-1)[targets[static_cast<size_t>(prompt)]];
      EXPECT_NEAR(logp.item<double>(), Expected("grad.logp")[prompt].item<double>(), 1e-3);
      logp.backward();
      const at::Tensor want = Expected("grad.hidden." + std::to_string(i))[prompt];
      const double error =
          ((tap.replacement.grad().cpu() - want).norm() / want.norm()).item<double>();
      EXPECT_LT(error, GradientTolerance()) << "grad.hidden." << i << " of prompt " << prompt;
    }
  }
}

// The golden files hold inputs and outputs of projections. They equal the states at the sites that
// an editable weight names, but for its scale.
TEST_P(GoldenTest, StatesAtSites) {
  Tap tap;
  model_.Forward(Ids(), packing_, &tap);
  const auto compare = [&](const Place& place, const at::Tensor& want) {
    EXPECT_LT(MaxDifference(tap.seen.at(place), want),
              kTolerance * std::max(1.0, want.abs().max().item<double>()))
        << PlaceName(place);
  };
  int compared = 0;
  // The names in the two files differ before "layers." in some families.
  std::map<std::string, std::string> names;
  const auto end_of = [](const std::string& name) {
    const size_t at = name.find("layers.");
    return at == std::string::npos ? name : name.substr(at);
  };
  for (const auto& [name, info] : expected_->tensors()) names[end_of(name)] = name;
  const auto has = [&](const std::string& name) { return names.contains(name); };
  for (int l = 0; l < model_.layers(); ++l) {
    for (const EditableWeight& weight : model_.layer(l).editable()) {
      std::string module = end_of(weight.tensor.substr(0, weight.tensor.rfind('.')));
      // A shared weight bears the name of the first layer that uses it.
      if (module.starts_with("layers."))
        module = fmt::format("layers.{}{}", l, module.substr(module.find('.', 7)));
      // Falcon-H1 scales the input of the projection, so that the scale lies before the output.
      const double in_scale = weight.key == Site::kMixerIn ? model_.config().branches.ssm_in : 1;
      if (has(module + ".in")) {
        compare({weight.key, l}, Expected(names.at(module + ".in")).flatten(0, 1) / in_scale);
        ++compared;
      }
      if (has(module + ".out")) {
        const at::Tensor out = Expected(names.at(module + ".out")).flatten(0, 1);
        compare({weight.value, l},
                out.narrow(1, weight.row, weight.weight.size(0)) * (weight.scale / in_scale));
        ++compared;
      }
    }
  }
  for (const auto& [name, info] : expected_->tensors()) {
    if (!name.ends_with(".mixer.x_proj.in")) continue;
    const int layer = std::stoi(name.substr(name.find("layers.") + 7));
    compare({Site::kSsmIn, layer}, Expected(name).flatten(0, 1));
    ++compared;
  }
  int mixers = 0;
  for (int l = 0; l < model_.layers(); ++l)
    mixers += static_cast<int>(model_.layer(l).mixers().size());
  if (GetParam() != "phi") EXPECT_GE(compared, 2 * mixers);  // its file holds no projections
}

INSTANTIATE_TEST_SUITE_P(Checkpoints, GoldenTest, testing::ValuesIn(TinyCheckpoints()), TestName);
INSTANTIATE_TEST_SUITE_P(StateSpaces, GoldenTest,
                         testing::Values("mamba-original", "mamba2-original"), TestName);
class BundledModelTest : public testing::TestWithParam<std::string> {};

TEST_P(BundledModelTest, LogitsStatesAndTopTokens) {
  const Model model =
      Model::Load(RepositoryFolder() / "models" / GetParam(), {.device = TestDevice()});
  const Json prompts = ReadJson(GoldenFolder() / GetParam() / "expected.json");
  const auto expected = OpenSafetensors(GoldenFolder() / GetParam() / "expected.safetensors");
  double worst = 0;
  for (size_t i = 0; i < prompts.size(); ++i) {
    const auto ids = prompts[i]["input_ids"].get<std::vector<int64_t>>();
    Tap tap;
    const at::Tensor logits = model.Unembed(
        model.Forward(ids, Packing::Whole({static_cast<int64_t>(ids.size())}), &tap)[-1]);
    const at::Tensor want = expected->Read(std::to_string(i) + ".last_logits");
    const double scale = want.abs().max().item<double>();
    worst = std::max(worst, MaxDifference(logits, want) / scale);
    const at::Tensor probabilities = logits.softmax(-1);
    const std::vector<int64_t> top = ToVector(std::get<1>(probabilities.topk(5)).cpu());
    for (size_t k = 0; k < 5; ++k) {
      EXPECT_EQ(top[k], prompts[i]["top5"][k][1].get<int64_t>()) << prompts[i]["prompt"];
      EXPECT_NEAR(probabilities[top[k]].item<double>(), prompts[i]["top5"][k][2].get<double>(),
                  1e-4);
    }
    for (int l = 0; l < model.layers(); ++l) {
      const std::string name = fmt::format("{}.hidden.{}", i, l);
      if (!expected->tensors().contains(name)) continue;
      worst = std::max(
          worst, MaxDifference(tap.seen.at(PlaceOfHidden(model, l)), expected->Read(name)) / scale);
    }
  }
  EXPECT_LT(worst, kTolerance);
  std::printf("%-20s largest error / largest |logit| = %.1e\n", GetParam().c_str(), worst);
}

INSTANTIATE_TEST_SUITE_P(Models, BundledModelTest,
                         testing::Values("demo-mamba", "demo-mamba2", "demo-hybrid", "demo-neox"),
                         TestName);

}  // namespace
}  // namespace mambascope
