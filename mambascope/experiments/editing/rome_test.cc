#include "mambascope/experiments/editing/rome.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/error.h"
#include "mambascope/intervene/run.h"
#include "mambascope/model/layers_test_support.h"

namespace mambascope {
namespace {

// The subject ends the prompt, so that every layer's edit can change the answer.
class RomeTest : public testing::TestWithParam<std::string> {
 protected:
  const RewritePrompts rewrite_ = {
      {{{150, 9, 7, 30, 21}, 4}, {{5, 6, 150, 9, 7, 30, 21}, 6}, {{8, 150, 9, 7, 30, 21}, 5}},
      {17, 40},
      {{30, 21, 3, 4}, 1}};

  // Second moments of random keys, so that C is not the identity.
  const MomentSolver& Solver(const Place& key) {
    const auto found = solvers_.find(key);
    if (found != solvers_.end()) return found->second;
    at::manual_seed(key.layer);
    const int64_t width = TokenStates(model_, {rewrite_.prompts[0]}, {key}).at(key).size(1);
    const at::Tensor keys = at::randn({4 * width, width}, at::kDouble);
    moments_[key] = {keys.t().mm(keys), 4 * width};
    return solvers_.emplace(key, MomentSolver(moments_[key])).first->second;
  }
  std::vector<RomeEdit> Edits(const std::vector<RomeTask>& tasks,
                              RomeOptions::Division division = RomeOptions::Division::kBare) {
    RomeOptions options{.value = {.steps = 5, .learning_rate = 0.05, .clamp = 30},
                        .division = division};
    return Rome(
        model_, tasks, [this](const Place& key) -> const MomentSolver& { return Solver(key); },
        options);
  }
  std::vector<RomeTask> Tasks() const {
    std::vector<RomeTask> tasks;
    for (int l : {0, model_.layers() - 1}) {
      for (const EditableWeight& weight : model_.layer(l).editable())
        tasks.push_back({&rewrite_, l, weight.name});
    }
    return tasks;
  }
  // The highest projection whose output is added to the residual stream.
  RomeTask HighestTask() const {
    for (int l = model_.layers() - 1; l >= 0; --l) {
      const std::vector<EditableWeight> weights = model_.layer(l).editable();
      for (auto weight = weights.rbegin(); weight != weights.rend(); ++weight) {
        if (model_.layer(l).IsAddedToOutput(weight->value)) return {&rewrite_, l, weight->name};
      }
    }
    // Where a norm follows every projection, the highest one.
    const int top = model_.LayersWith("W_down").back();
    return {&rewrite_, top, "W_down"};
  }
  at::Tensor ReadState(const Model& model, const PromptToken& prompt, const Place& place) const {
    return mambascope::Run(model, {prompt.ids}, {.keep = {place}}).State(place, 0)[prompt.token];
  }

  Model model_ = Model::Load(GoldenFolder() / GetParam());
  std::map<Place, Moments> moments_;
  std::map<Place, MomentSolver> solvers_;
};

INSTANTIATE_TEST_SUITE_P(Checkpoints, RomeTest, testing::ValuesIn(TinyCheckpoints()), TestName);

TEST_P(RomeTest, EditedProjectionMapsTheBareKeyToTheValueFound) {
  c10::NoGradGuard no_grad;
  const std::vector<RomeTask> tasks = Tasks();
  const std::vector<RomeEdit> edits = Edits(tasks);
  for (size_t i = 0; i < tasks.size(); ++i) {
    const EditableWeight weight = FindEditable(model_.layer(tasks[i].layer), tasks[i].projection);
    const Place value{weight.value, tasks[i].layer};
    const at::Tensor v0 = ReadState(model_, rewrite_.prompts[0], value);
    const at::Tensor got = ReadState(model_.Edited({edits[i].edit}), rewrite_.prompts[0], value);
    const at::Tensor want = v0 + edits[i].value.delta;
    EXPECT_LT(MaxDifference(got, want), 1e-4 * want.abs().max().item<double>())
        << tasks[i].projection;
    EXPECT_GT(MaxDifference(got, v0), 1e-3) << "the edit does nothing";
    EXPECT_NEAR(edits[i].change_norm, edits[i].edit.v.t().mm(edits[i].edit.u).norm().item<double>(),
                1e-4 * edits[i].change_norm);
    EXPECT_NEAR(edits[i].weight_norm, weight.weight.norm().item<double>(),
                1e-5 * edits[i].weight_norm);
  }
}

// Computes u = C^-1 k / |C^-1 k| by an LU solve of C in float64, with k from whole runs of every
// context.
TEST_P(RomeTest, DirectionIsTheInverseMomentsTimesTheMeanKey) {
  c10::NoGradGuard no_grad;
  for (const RomeTask& task : Tasks()) {
    const RomeEdit edit = Edits({task})[0];
    const Place key = KeyPlace(model_, task.layer, task.projection);
    at::Tensor mean;
    for (const PromptToken& prompt : rewrite_.prompts) {
      const at::Tensor k = ReadState(model_, prompt, key).to(at::kDouble) / 3;
      mean = mean.defined() ? mean + k : k;
    }
    const at::Tensor solved =
        at::linalg_solve(moments_.at(key).Mean(), mean.unsqueeze(1)).squeeze(1);
    EXPECT_LT(MaxDifference(edit.edit.u[0].to(at::kDouble), solved / solved.norm()), 1e-5)
        << task.projection;
  }
}

TEST_P(RomeTest, MeanDivisionMapsTheMeanKey) {
  c10::NoGradGuard no_grad;
  // The edited layer lies above a mixer. Below it, keys may be the same in all contexts.
  const int layer = MixerLayerFrom(model_, 0) + 1;
  const RomeTask task = {&rewrite_, layer, model_.layer(layer).editable()[0].name};
  const RomeEdit bare = Edits({task})[0], mean = Edits({task}, RomeOptions::Division::kMean)[0];
  const EditableWeight weight = FindEditable(model_.layer(layer), task.projection);
  at::Tensor k, v;
  for (const PromptToken& prompt : rewrite_.prompts) {
    const at::Tensor key = ReadState(model_, prompt, {weight.key, layer}) / 3,
                     value = ReadState(model_, prompt, {weight.value, layer}) / 3;
    k = k.defined() ? k + key : key;
    v = v.defined() ? v + value : value;
  }
  const at::Tensor want =
      ReadState(model_, rewrite_.prompts[0], {weight.value, layer}) + mean.value.delta;
  const at::Tensor got = v + weight.scale * mean.edit.v[0] * (mean.edit.u[0] * k).sum();
  EXPECT_LT(MaxDifference(got, want), 1e-4 * want.abs().max().item<double>());
  EXPECT_GT(MaxDifference(bare.edit.v, mean.edit.v), 1e-6) << "the two divisions are the same";
}

TEST_P(RomeTest, ModelStaysBitForBitWhatItWas) {
  c10::NoGradGuard no_grad;
  const std::vector<int64_t> prompt = rewrite_.prompts[0].ids;
  const at::Tensor before = mambascope::Run(model_, {prompt}).Logits(0).clone();
  std::vector<Edit> edits;
  for (const RomeEdit& edit : Edits(Tasks())) edits.push_back(edit.edit);
  const at::Tensor edited = mambascope::Run(model_.Edited(edits), {prompt}).Logits(0);
  EXPECT_GT(MaxDifference(edited, before), 1e-3);
  EXPECT_TRUE(mambascope::Run(model_, {prompt}).Logits(0).equal(before));
}

// An edit changes its layer's output at each token by the value of that token's own key.
TEST_P(RomeTest, EditChangesNothingButEachTokensOwnOutput) {
  c10::NoGradGuard no_grad;
  const RomeTask task = HighestTask();
  const int top = task.layer;
  const EditableWeight weight = model_.editable(top, task.projection);
  const std::vector<int64_t> prompt = {7, 30, 21, 150, 9};
  const Edit edit = Edits({task})[0].edit;
  const bool is_added = model_.layer(top).IsAddedToOutput(weight.value);
  const std::vector<Place> places = {{weight.key, top},
                                     {is_added ? Site::kResid : weight.value, top}};
  const RunResult before = mambascope::Run(model_, {prompt}, {.keep = places}),
                  after = mambascope::Run(model_.Edited({edit}), {prompt}, {.keep = places});
  EXPECT_TRUE(after.State(places[0], 0).equal(before.State(places[0], 0))) << "keys";
  const at::Tensor change =
      weight.scale * before.State(places[0], 0).mm(edit.u.t()).mm(edit.v);  // [token, d_model]
  EXPECT_LT(MaxDifference(after.State(places[1], 0) - before.State(places[1], 0), change),
            1e-5 * before.State(places[1], 0).abs().max().item<double>());
  EXPECT_GT(change.abs().max().item<double>(), 1e-3) << "the edit does nothing";
}

// If the prompt goes on after the subject, a search at the last layer cannot make the target more
// probable.
TEST_P(RomeTest, SearchAtTheLastLayerSeesOnlyTheSubjectsOwnToken) {
  const int top = model_.layers() - 1;
  const RewritePrompts further = {
      {{{7, 30, 21, 150, 9}, 2}, {{5, 6, 7, 30, 21, 150, 9}, 4}}, {17}, {{30, 21, 3, 4}, 1}};
  const EditableWeight weight = model_.layer(top).editable().back();
  const RomeEdit edit = Edits({{&further, top, weight.name}})[0];
  for (const LossStep& step : edit.value.steps)
    EXPECT_NEAR(step.nll, edit.value.steps[0].nll, 1e-6 * step.nll);
}

TEST_P(RomeTest, RefusesWhatTheModelLacks) {
  EXPECT_THAT(ErrorOf([&] {
                Edits({{&rewrite_, model_.layers(), "W_o"}});
              }),
              testing::HasSubstr("out of range"));
  EXPECT_THAT(
      ErrorOf([&] {
        Edits({{&rewrite_, 0, "W_x"}});
      }),
      testing::AllOf(testing::HasSubstr("projection 'W_x'"), testing::HasSubstr("it has: W_")));
  EXPECT_THAT(ErrorOf([&] {
                model_.Edited(
                    {{0, model_.layer(0).editable()[0].name, at::ones({1, 3}), at::ones({1, 5})}});
              }),
              testing::HasSubstr("was the edit made for another model"));
}

}  // namespace
}  // namespace mambascope
