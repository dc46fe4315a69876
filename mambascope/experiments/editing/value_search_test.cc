// Compares the value search with whole passes, and its loss with the loss computed by hand.
#include "mambascope/experiments/editing/value_search.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/intervene/run.h"
#include "mambascope/model/mixed_model_test_support.h"

namespace mambascope {
namespace {

class ValueSearchTest : public testing::TestWithParam<std::string> {
 protected:
  // This rewrite has three contexts of different lengths and a target of two tokens.
  const RewritePrompts first_ = {
      {{{7, 30, 21, 150, 9}, 2}, {{5, 6, 7, 30, 21, 150, 9}, 4}, {{8, 7, 30, 21, 150, 9}, 3}},
      {17, 40},
      {{30, 21, 3, 4}, 1}};
  // This rewrite has a target of one token, and its subject ends the prompt.
  const RewritePrompts second_ = {
      {{{12, 33, 4}, 2}, {{99, 100, 12, 33, 4}, 4}}, {60}, {{33, 4, 3, 4}, 1}};

  EditableWeight Weight(int layer) const { return model_.layer(layer).editable().back(); }
  ValueTask Task(const RewritePrompts& rewrite, int layer, Site site) const {
    const Place at{site, layer};
    return {&rewrite, at, TokenStates(model_, {rewrite.prompts[0]}, {at}).at(at)[0]};
  }
  std::vector<ValueTask> Tasks() const {
    const int top = model_.layers() - 1;
    // At the last layer the subject must end the prompt. Otherwise the loss's gradient there is
    // only rounding.
    std::vector<ValueTask> tasks = {
        Task(first_, 0, Weight(0).value), Task(second_, 0, Weight(0).value),
        Task(second_, top, Weight(top).value), Task(second_, 0, Site::kResid)};
    for (const EditableWeight& weight : model_.layer(0).editable())
      tasks.push_back(Task(first_, 0, weight.value));
    return tasks;
  }

  Model model_ = LoadTinyModel(GetParam());
};

INSTANTIATE_TEST_SUITE_P(Models, ValueSearchTest, testing::ValuesIn(TinyModels()), TestName);

TEST_P(ValueSearchTest, FindsWhatLoopedWholePassesFind) {
  const ValueOptions options{.steps = 8, .learning_rate = 0.05, .clamp = 30, .enough_loss = -1};
  ValueOptions by_run = options;
  by_run.by = ValueOptions::By::kRun;
  const std::vector<FoundValue> swept = SearchValues(model_, Tasks(), options);
  for (size_t i = 0; i < Tasks().size(); ++i) {
    const FoundValue alone = SearchValues(model_, {Tasks()[i]}, by_run)[0];
    EXPECT_LT(MaxDifference(swept[i].delta, alone.delta), 1e-4 * Amplification(GetParam())) << i;
    ASSERT_EQ(swept[i].steps.size(), 8u);
    EXPECT_EQ(swept[i].stopped, "steps");
    EXPECT_NEAR(swept[i].steps.back().loss, alone.steps.back().loss, 1e-4 * alone.steps.back().loss)
        << i;
    EXPECT_GT(swept[i].delta.abs().max().item<double>(), 0.01) << i << ": nothing was found";
  }
  EXPECT_LT(swept[0].steps.back().nll, swept[0].steps[0].nll)
      << "the target has not become more probable";
}

// Compares each term of the loss with the paper's, at the value that was found.
TEST_P(ValueSearchTest, LossIsTheOneOfThePaper) {
  const ValueTask task = Task(first_, 0, Weight(0).value);
  const ValueOptions options{.steps = 3, .learning_rate = 0.05, .clamp = 30};
  const FoundValue found = SearchValues(model_, {task}, options)[0];
  c10::NoGradGuard no_grad;
  const auto log_p = [&](const PromptToken& prompt, std::vector<int64_t> more,
                         const at::Tensor& delta) {
    std::vector<int64_t> ids = prompt.ids;
    ids.insert(ids.end(), more.begin(), more.end());
    const Variant variant = {Add{{task.at.site, task.at.layer, prompt.token}, delta}};
    return mambascope::Run(model_, {ids}, {.variants = {variant}}).Logits(0).log_softmax(1);
  };
  // `steps` has the loss before each descent step. The last of three is the loss of `found.delta`,
  // which two descent steps made.
  double nll = 0, p = 0;
  for (const PromptToken& prompt : first_.prompts) {
    const at::Tensor logs = log_p(prompt, {first_.target[0]}, found.delta);
    const auto end = static_cast<int64_t>(prompt.ids.size()) - 1;
    const double its =
        -(logs[end][first_.target[0]] + logs[end + 1][first_.target[1]]).item<double>() / 2;
    nll += its / 3;
    p += std::exp(-its) / 3;
  }
  const at::Tensor now = log_p(first_.essence, {}, found.delta)[1],
                   before = log_p(first_.essence, {}, at::zeros_like(found.delta))[1];
  const double kl = options.kl * (now.exp() * (now - before)).sum().item<double>();
  const double decay =
      options.decay * (found.delta.norm() / task.v0.norm().square()).item<double>();
  const LossStep& last = found.steps.back();
  EXPECT_NEAR(last.nll, nll, 1e-4 * nll);
  EXPECT_NEAR(last.p, p, 1e-3 * p);
  EXPECT_NEAR(last.kl, kl, 1e-4 * kl + 1e-7);
  EXPECT_NEAR(last.decay, decay, 1e-4 * decay);
  EXPECT_NEAR(last.loss, last.nll + last.kl + last.decay, 1e-5 * last.loss);
  EXPECT_GT(decay, 0);
  EXPECT_GT(kl, 0);
}

TEST_P(ValueSearchTest, IsKeptInTheBallAndStopsWhereItIsTold) {
  const ValueTask task = Task(first_, 0, Weight(0).value);
  const FoundValue clamped = SearchValues(model_, {task}, {.steps = 5, .clamp = 0.05})[0];
  EXPECT_NEAR(clamped.delta.norm().item<double>(), 0.05 * task.v0.norm().item<double>(), 1e-5);
  const FoundValue content = SearchValues(model_, {task}, {.enough_loss = 1e9})[0];
  EXPECT_EQ(content.stopped, "loss");
  EXPECT_EQ(content.steps.size(), 1u);
  EXPECT_EQ(content.delta.abs().max().item<double>(), 0);
  const FoundValue probable =
      SearchValues(model_, {task}, {.enough_loss = -1, .enough_p = 0, .enough_p_from = 4})[0];
  EXPECT_EQ(probable.stopped, "probability");
  EXPECT_EQ(probable.steps.size(), 5u);
}

// A search gives the same value beside other searches, in any number of passes, whichever stops
// first.
TEST_P(ValueSearchTest, SearchesDoNotSeeEachOther) {
  std::vector<ValueTask> many;
  for (int i = 0; i < 4; ++i) {
    for (const ValueTask& task : Tasks()) many.push_back(task);
  }
  ValueOptions options{.steps = 6, .learning_rate = 0.05, .clamp = 30};
  std::vector<FoundValue> alone;
  for (const ValueTask& task : Tasks()) alone.push_back(SearchValues(model_, {task}, options)[0]);
  // The mean loss of the third pass, so that some searches stop by then and others do not.
  options.enough_loss = 0;
  for (const FoundValue& value : alone)
    options.enough_loss += value.steps[2].loss / static_cast<double>(alone.size());
  alone.clear();
  for (const ValueTask& task : Tasks()) alone.push_back(SearchValues(model_, {task}, options)[0]);
  std::set<size_t> passes;
  for (const FoundValue& value : alone) passes.insert(value.steps.size());
  EXPECT_GT(passes.size(), 1u) << "all stop at once";
  int64_t enough = 1 << 16;  // bytes that suffice for some searches at a time, but not for all
  while (ErrorOf([&] { SearchValues(model_, many, {.steps = 1, .memory = enough}); }) != "no error")
    enough += enough / 4;
  for (const int64_t memory : {options.memory, enough}) {
    options.memory = memory;
    std::vector<int64_t> reported;
    options.progress = [&](int64_t done, int64_t total) {
      EXPECT_EQ(total, static_cast<int64_t>(many.size()));
      reported.push_back(done);
    };
    const std::vector<FoundValue> all = SearchValues(model_, many, options);
    EXPECT_TRUE(std::is_sorted(reported.begin(), reported.end()));
    EXPECT_EQ(reported.back(), static_cast<int64_t>(many.size()));
    for (size_t i = 0; i < many.size(); ++i) {
      const FoundValue& want = alone[i % alone.size()];
      EXPECT_TRUE(at::equal(all[i].delta, want.delta)) << i;
      EXPECT_EQ(all[i].steps.size(), want.steps.size());
    }
  }
}

TEST(ValueSearchMemoryTest, TooLittleMemoryIsAnError) {
  const Model model = Model::Load(GoldenFolder() / "mamba");
  const RewritePrompts rewrite = {{{{7, 30, 21, 150, 9}, 2}}, {17}, {{30, 21, 3}, 1}};
  const Place at{Site::kResid, 0};
  const ValueTask task{&rewrite, at, TokenStates(model, {rewrite.prompts[0]}, {at}).at(at)[0]};
  EXPECT_THAT(ErrorOf([&] { SearchValues(model, {task}, {.memory = 1000}); }),
              testing::HasSubstr("--memory"));
}

}  // namespace
}  // namespace mambascope
