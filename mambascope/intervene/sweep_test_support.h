// Shared by the tests of Sweep: three prompts of a tiny model, and Run to compare with.
#pragma once

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <string>
#include <vector>

#include "mambascope/intervene/run.h"
#include "mambascope/intervene/sweep.h"
#include "mambascope/model/layers_test_support.h"
#include "mambascope/model/mixed_model_test_support.h"

namespace mambascope {

inline constexpr double kSweepTolerance = 2e-5;  // relative to the largest absolute logit

class SweepTest : public testing::TestWithParam<std::string> {
 protected:
  std::vector<Place> Places() const {
    std::vector<Place> places;
    for (const SiteInfo& info : model_.sites()) {
      if (info.site == Site::kEmbed) places.push_back({info.site, kEmbedLayer});
      for (int l : model_.LayersWith(info.site)) places.push_back({info.site, l});
    }
    return places;
  }
  at::Tensor Noise(const Place& place) { return at::randn({model_.width(place)}).to(TestDevice()); }
  // The lowest layer from 1 up that has a mixer, and so a layer below it.
  int CutLayer() const { return MixerLayerFrom(model_, 1); }
  // Number of entries of a cut's mask in `layer`. None where the layer has several mixers, since a
  // mask would belong to one of them.
  std::optional<int64_t> Channels(int layer) const {
    const std::vector<Mixer> mixers = model_.layer(layer).mixers();
    return mixers.size() == 1 ? std::optional(mixers[0].channels) : std::nullopt;
  }

  // Logits [read, vocab] at the tokens that the cases read, computed by one whole pass per case.
  at::Tensor ByRun(const std::vector<SweepCase>& cases) const {
    std::vector<at::Tensor> logits;
    for (const SweepCase& c : cases) {
      const SweepBase& base = bases_[c.base];
      const at::Tensor all =
          mambascope::Run(model_, {base.ids},
                          {.variants = {c.variant}, .keep = {}, .base = {base.variant}})
              .Logits(0);
      if (c.read.empty()) logits.push_back(all[-1]);
      for (int64_t token : c.read) logits.push_back(all[token]);
    }
    return at::stack(logits);
  }
  // Expects that Sweep equals Run in every case, and that most cases change the output.
  void ExpectEqual(const std::vector<SweepCase>& cases, const SweepOptions& options = {}) const {
    const at::Tensor want = ByRun(cases),
                     got = model_.Unembed(Sweep(model_, bases_, cases, options));
    const double scale = want.abs().max().item<double>();
    const at::Tensor error = (got - want).abs().amax(1);
    EXPECT_LT(error.max().item<double>(), Amplification(GetParam()) * kSweepTolerance * scale)
        << "case " << error.argmax().item<int64_t>();
    RecordProperty("largest_difference", fmt::format("{:.1e}", error.max().item<double>() / scale));
    std::vector<SweepCase> untouched;
    for (const SweepCase& c : cases) untouched.push_back({c.base, {}, c.read});
    const at::Tensor moved = (want - ByRun(untouched)).abs().amax(1);
    EXPECT_GT((moved > 1e-4 * scale).to(at::kFloat).mean().item<double>(), 0.5)
        << "most cases changed nothing";
  }
  // A random cut of some tokens from others, of any kind. Some cuts act only in one kind of mixer,
  // and some only in some channels or heads.
  Cut RandomCut(std::mt19937& random, size_t base) {
    constexpr CutKind kKinds[] = {CutKind::kMixing, CutKind::kMixingAndConv,
                                  CutKind::kEmptyRowsUniform, CutKind::kBidirectional};
    const std::vector<int> layers = MixerLayers(model_);
    Cut cut{.layer = layers[random() % layers.size()], .from = {}, .to = {}};
    for (auto* tokens : {&cut.from, &cut.to}) {
      for (size_t n = 1 + random() % 3; n > 0; --n)
        tokens->push_back(static_cast<int64_t>(random() % bases_[base].ids.size()));
    }
    cut.kind = kKinds[random() % 4];
    const std::vector<Mixer> mixers = model_.layer(cut.layer).mixers();
    const Mixer& mixer = mixers[random() % mixers.size()];
    if (random() % 2 == 0) cut.mixers = mixer.kind;
    const bool takes_mask = cut.kind != CutKind::kMixingAndConv || !mixer.has_conv;
    if (random() % 3 == 0 && (cut.mixers || mixers.size() == 1) && takes_mask)
      cut.channels = (at::rand({mixer.channels}) < 0.5).to(TestDevice());
    return cut;
  }
  // A random list of interventions at random places: Sets, Adds, Cuts and, if verbs > 3, Holds.
  // Several may act on one state.
  Variant RandomVariant(std::mt19937& random, size_t base, unsigned verbs) {
    const std::vector<Place> places = Places();
    const auto token = [&] { return static_cast<int64_t>(random() % bases_[base].ids.size()); };
    Variant variant;
    for (size_t n = 1 + random() % 5; n > 0; --n) {
      const Place place = places[random() % places.size()];
      const StateId at{place.site, place.layer, token()};
      switch (random() % verbs) {
        case 0: variant.push_back(Set{at, Noise(place)}); break;
        case 1: variant.push_back(Add{at, Noise(place)}); break;
        case 2: variant.push_back(RandomCut(random, base)); break;
        default: variant.push_back(Hold{at});
      }
      if (random() % 4 == 0) variant.push_back(Add{at, Noise(place)});
    }
    return variant;
  }

  Model model_ = LoadTinyModel(GetParam(), TestDevice());
  std::vector<SweepBase> bases_ = {
      {{7, 300, 21, 150, 9, 88}}, {{12, 333, 4}}, {{5, 6, 7, 8, 9, 10, 11, 200}}};
};

}  // namespace mambascope
