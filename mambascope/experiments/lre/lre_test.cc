// Compares trials of a relation with their parts, computed one whole pass at a time.
#include "mambascope/experiments/lre/lre.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/data/relation_split.h"
#include "mambascope/experiments/facts/fact_pair.h"
#include "mambascope/experiments/lre/estimate.h"
#include "mambascope/experiments/lre/lre_test_support.h"
#include "mambascope/intervene/run.h"

namespace mambascope {
namespace {

TEST_F(LreTest, TestsOtherSamplesThatTheModelKnows) {
  const LreRelation& measured = Measured();
  EXPECT_EQ(measured.name, relation_.name);
  EXPECT_EQ(measured.range, 6);
  EXPECT_DOUBLE_EQ(measured.chance, 1.0 / 6);
  ASSERT_EQ(measured.Done().size(), 2u);
  EXPECT_NE(measured.trials[0].train, measured.trials[1].train);
  Random random(123456);
  EXPECT_EQ(measured.trials[0].train, SplitSamples(relation_.samples, 5, random).train);
  for (const LreTrial& trial : measured.trials) {
    ASSERT_EQ(trial.tested.size(), 12u);
    EXPECT_GT(trial.known, 12);
    EXPECT_TRUE(std::is_sorted(trial.tested.begin(), trial.tested.end()));
    for (const Sample& sample : trial.tested) {
      EXPECT_EQ(std::count(trial.train.begin(), trial.train.end(), sample), 0);
      EXPECT_TRUE(
          IsAnswer(Top(mambascope::Run(model_, {TestPrompt(trial, sample).ids}).Logits(0)[-1]),
                   sample.object))
          << sample.subject;
    }
  }
}

// Every sample occurs twice, so that subjects of examples are among the other samples too.
TEST_F(LreTest, TestsDrawnSamplesOfOtherSubjectsOrAsPublishedTheFirst) {
  Relation twice = relation_;
  twice.samples.insert(twice.samples.end(), relation_.samples.begin(), relation_.samples.end());
  LreOptions options = Options();
  options.trials = 1;
  options.layers = {8};
  options.betas = {1};
  options.ranks = {0};
  const auto subjects = [&](const LreOptions& with, int64_t limit) {
    LreOptions limited = with;
    limited.limit = limit;
    const LreRelation measured = MeasureRelation(model_, tokenizer_, twice, limited);
    std::vector<std::string> tested, trained;
    for (const Sample& sample : measured.trials[0].tested) tested.push_back(sample.subject);
    for (const Sample& sample : measured.trials[0].train) trained.push_back(sample.subject);
    const bool is_trained =
        std::any_of(tested.begin(), tested.end(), [&](const std::string& subject) {
          return std::find(trained.begin(), trained.end(), subject) != trained.end();
        });
    return std::pair(tested, is_trained);
  };
  const auto [all, drawn_trained] = subjects(options, 0);
  const auto [published_all, published_trained] = subjects(AsPublished(options), 0);
  EXPECT_FALSE(drawn_trained);
  EXPECT_TRUE(published_trained);
  EXPECT_EQ(subjects(AsPublished(options), 10).first,
            std::vector(published_all.begin(), published_all.begin() + 10));
  const std::vector<std::string> drawn = subjects(options, 10).first;
  EXPECT_EQ(drawn.size(), 10u);
  EXPECT_NE(drawn, std::vector(all.begin(), all.begin() + 10));
  EXPECT_TRUE(std::includes(all.begin(), all.end(), drawn.begin(), drawn.end()));
}

// Computed by hand from the operator of the trial's training samples and its test samples' states.
TEST_F(LreTest, FaithfulnessIsTheShareThatTheOperatorSays) {
  c10::NoGradGuard no_grad;
  const LreTrial& trial = Measured().trials[0];
  const auto prompts = MakeLeaveOneOutPrompts(tokenizer_, relation_.prompt_templates[0],
                                              trial.train, {.prefix = ""});
  const LreEstimate estimate = EstimateLre(model_, prompts, {8, kEmbedLayer});
  double least = 1, most = 0;
  for (size_t l = 0; l < 2; ++l) {
    const LreLayer& layer = trial.layers[l];
    const at::Tensor train_h = estimate.h[static_cast<int64_t>(l)];
    const auto share = [&](const LreOperator& lre) {
      double right = 0;
      for (const Sample& sample : trial.tested)
        right += Says(lre(State(TestPrompt(trial, sample), layer.layer)), sample.object) ? 1 : 0;
      return right / 12;
    };
    for (size_t k = 0; k < 3; ++k) {
      const double right = share(estimate.Operator(l, Measured().betas[k]));
      EXPECT_NEAR(layer.faithfulness[k], right, 1e-9) << l << " " << k;
      least = std::min(least, right);
      most = std::max(most, right);
    }
    const int64_t d = model_.config().d_model;
    EXPECT_NEAR(layer.identity, share({layer.layer, at::eye(d), at::zeros({d})}), 1e-9);
    EXPECT_NEAR(layer.translation, share(TranslationOperator(layer.layer, train_h, estimate.z)),
                1e-9);
    EXPECT_NEAR(layer.regression, share(RegressionOperator(layer.layer, train_h, estimate.z)),
                1e-9);
  }
  EXPECT_GT(most, least) << "the grid makes no difference";
  EXPECT_GT(most, 0.3);
  EXPECT_NE(trial.layers[0].translation, trial.layers[0].regression)
      << "or they could be each other's";
}

TEST_F(LreTest, FaithfulnessInThreeIsThatOfTheThreeMostProbable) {
  c10::NoGradGuard no_grad;
  const LreTrial& trial = Measured().trials[0];
  const LreOperator lre =
      MakeOperator(model_, tokenizer_, relation_, {trial.train, 8, 3, 0}, Options());
  double right = 0;
  for (const Sample& sample : trial.tested) {
    const at::Tensor logits =
        model_.Unembed(lre(State(TestPrompt(trial, sample), 8)).unsqueeze(0))[0];
    const std::vector<int64_t> top = ToVector(std::get<1>(logits.topk(3)));
    right += std::any_of(
                 top.begin(), top.end(),
                 [&](int64_t id) { return IsAnswer(*tokenizer_.DecodeToken(id), sample.object); })
                 ? 1
                 : 0;
  }
  EXPECT_NEAR(trial.layers[0].faithfulness_in_3[1], right / 12, 1e-9);
}

// One generator draws in this order: the split, the limited samples, the targets, then the second
// trial.
TEST_F(LreTest, CausalityIsTheShareOfRunsThatSayTheOtherAnswer) {
  c10::NoGradGuard no_grad;
  const LreTrial& trial = Measured().trials[0];
  Random random(123456);
  SplitSamples(relation_.samples, 5, random);
  std::vector<int64_t> drawn(static_cast<size_t>(trial.known));
  random.Shuffle(drawn);
  const auto targets = DrawEditTargets(
      trial.tested,
      [&](size_t a, size_t b) { return trial.tested[a].object != trial.tested[b].object; }, random);
  EXPECT_EQ(Measured().trials[1].train, SplitSamples(relation_.samples, 5, random).train);
  const auto prompts = MakeLeaveOneOutPrompts(tokenizer_, relation_.prompt_templates[0],
                                              trial.train, {.prefix = ""});
  const LreEstimate estimate = EstimateLre(model_, prompts, {8, kEmbedLayer});
  EXPECT_EQ(trial.edited, 12);
  for (size_t l = 0; l < 2; ++l) {
    const LowRankInverse inverse(estimate.w[static_cast<int64_t>(l)], 24);
    double right = 0;
    for (size_t i = 0; i < trial.tested.size(); ++i) {
      const Sample& other = trial.tested[*targets[i]];
      const PromptToken prompt = TestPrompt(trial, trial.tested[i]);
      const at::Tensor dz = LastState(TestPrompt(trial, other)) - LastState(prompt);
      right +=
          SaysMoved(prompt, estimate.layers[l], inverse(dz.unsqueeze(0), {24})[0][0], other.object)
              ? 1
              : 0;
    }
    EXPECT_NEAR(trial.layers[l].causality[1], right / 12, 1e-9) << l;
    EXPECT_EQ(trial.layers[l].causality[0], 0)
        << "an edit of rank 0 changes nothing, and every answer was known";
    EXPECT_GT(right, 1);
  }
}

// Beta is chosen by predicting each training sample with the operator of the others' prompts. The
// rank is chosen by edits of each training sample to each of the others.
TEST_F(LreTest, TrainingSamplesAreSaidByTheOthersOperatorAndEditedToTheOthers) {
  c10::NoGradGuard no_grad;
  const LreTrial& trial = Measured().trials[0];
  const auto prompts = MakeLeaveOneOutPrompts(tokenizer_, relation_.prompt_templates[0],
                                              trial.train, {.prefix = ""});
  const LowRankInverse inverse(EstimateLre(model_, prompts, {8}).w[0], 24);
  double said = 0, edited = 0, edits = 0;
  for (size_t i = 0; i < 5; ++i) {
    std::vector<PromptToken> others = prompts;
    others.erase(others.begin() + static_cast<int64_t>(i));
    said += Says(EstimateLre(model_, others, {8}).Operator(0, 3)(State(prompts[i], 8)),
                 trial.train[i].object)
                ? 1
                : 0;
    for (size_t j = 0; j < 5; ++j) {
      if (trial.train[i].object == trial.train[j].object) continue;
      const at::Tensor dz = LastState(prompts[j]) - LastState(prompts[i]);
      edited +=
          SaysMoved(prompts[i], 8, inverse(dz.unsqueeze(0), {24})[0][0], trial.train[j].object) ? 1
                                                                                                : 0;
      ++edits;
    }
  }
  EXPECT_NEAR(trial.layers[0].held_out_faithfulness[1], said / 5, 1e-9);
  EXPECT_NEAR(trial.layers[0].training_causality[1], edited / edits, 1e-9);
  EXPECT_GT(said * edited, 0);
}

TEST_F(LreTest, LittleMemoryChangesNothing) {
  LreOptions little = Options();
  little.memory = int64_t{20} << 20;  // forces several sweeps of a few edits each
  little.trials = 1;
  little.ranks.resize(150, 24);
  const LreTrial trial = MeasureRelation(model_, tokenizer_, relation_, little).trials[0];
  for (size_t l = 0; l < 2; ++l) {
    EXPECT_EQ(trial.layers[l].causality.back(), Measured().trials[0].layers[l].causality[1]);
    EXPECT_EQ(trial.layers[l].training_causality[1],
              Measured().trials[0].layers[l].training_causality[1]);
  }
}

TEST_F(LreTest, ChoosesOnTheTrainingSamplesOrOnTheTestSamples) {
  const auto best = [](const std::vector<double>& shares) {
    return *std::max_element(shares.begin(), shares.end());
  };
  for (const LreTrial& trial : Measured().trials) {
    for (const LreLayer& layer : trial.layers) {
      EXPECT_EQ(layer.held_out_faithfulness[layer.beta], best(layer.held_out_faithfulness));
      EXPECT_EQ(layer.training_causality[layer.rank], best(layer.training_causality));
      EXPECT_GE(trial.layers[trial.most_faithful]
                    .held_out_faithfulness[trial.layers[trial.most_faithful].beta],
                best(layer.held_out_faithfulness));
    }
  }
  LreOptions published = AsPublished(Options());
  published.layers = {10, 6, 8};
  const LreRelation measured = MeasureRelation(model_, tokenizer_, relation_, published);
  std::vector<double> means(3);
  for (const LreTrial& trial : measured.trials) {
    for (size_t i = 0; i < 3; ++i) {
      const LreLayer& layer = trial.layers[i];
      EXPECT_TRUE(layer.held_out_faithfulness.empty() && layer.training_causality.empty());
      EXPECT_EQ(layer.faithfulness[layer.beta], best(layer.faithfulness));
      EXPECT_EQ(layer.causality[layer.rank], best(layer.causality));
      means[i] += 50 * best(layer.faithfulness);
    }
    EXPECT_EQ(trial.most_faithful, measured.trials[0].most_faithful);
  }
  EXPECT_NEAR(measured.chosen.faithfulness.mean, best(means), 1e-9);
  EXPECT_EQ(measured.chosen.faithfulness.count, 2);
}

TEST_F(LreTest, SummarisesTheTrials) {
  const LreRelation& measured = Measured();
  const LreTrial &a = measured.trials[0], &b = measured.trials[1];
  const auto faithfulness = [](const LreLayer& layer) { return layer.faithfulness[layer.beta]; };
  const double of_a = faithfulness(a.layers[a.most_faithful]),
               of_b = faithfulness(b.layers[b.most_faithful]);
  EXPECT_NEAR(measured.chosen.faithfulness.mean, 50 * (of_a + of_b), 1e-9);
  EXPECT_NEAR(measured.chosen.faithfulness.std, 50 * std::abs(of_a - of_b), 1e-9);
  ASSERT_EQ(measured.by_layer.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    const LreTrialMeans& layer = measured.by_layer[i];
    EXPECT_NEAR(layer.faithfulness.mean,
                50 * (faithfulness(a.layers[i]) + faithfulness(b.layers[i])), 1e-9);
    EXPECT_NEAR(layer.translation.mean, 50 * (a.layers[i].translation + b.layers[i].translation),
                1e-9);
    EXPECT_NEAR(layer.beta,
                (measured.betas[a.layers[i].beta] + measured.betas[b.layers[i].beta]) / 2, 1e-9);
    EXPECT_NEAR(
        layer.rank,
        static_cast<double>(measured.ranks[a.layers[i].rank] + measured.ranks[b.layers[i].rank]) /
            2,
        1e-9);
  }
  EXPECT_EQ(measured.most_faithful, std::min(a.most_faithful, b.most_faithful))
      << "each has a vote: the first";
  EXPECT_EQ(measured.most_causal, std::min(a.most_causal, b.most_causal));
  EXPECT_NEAR(measured.chosen.translation.mean,
              50 * (a.layers[a.most_faithful].translation + b.layers[b.most_faithful].translation),
              1e-9);
  const auto rank = [&](const LreTrial& trial) {
    return measured.ranks[trial.layers[trial.most_causal].rank];
  };
  EXPECT_NEAR(measured.chosen.rank, static_cast<double>(rank(a) + rank(b)) / 2, 1e-9);
}

TEST_F(LreTest, IsTheSameTwiceAndReportsItsSteps) {
  LreOptions options = Options();
  options.layers = {8};
  options.trials = 1;
  std::vector<double> reported;
  options.progress = [&](double done) { reported.push_back(done); };
  const LreRelation measured = MeasureRelation(model_, tokenizer_, relation_, options);
  EXPECT_TRUE(std::is_sorted(reported.begin(), reported.end()));
  EXPECT_NEAR(reported.front(), 0.1, 1e-9);
  EXPECT_NEAR(reported.back(), 1, 1e-9);
  EXPECT_EQ(measured.trials[0].tested, Measured().trials[0].tested);
  EXPECT_EQ(measured.trials[0].layers[0].faithfulness, Measured().trials[0].layers[0].faithfulness);
  EXPECT_EQ(measured.trials[0].layers[0].causality, Measured().trials[0].layers[0].causality);
}

}  // namespace
}  // namespace mambascope
