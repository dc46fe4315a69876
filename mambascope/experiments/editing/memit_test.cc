// Tests MEMIT: every layer's change against the paper's formula from whole runs and dense matrices,
// the effect of lambda, refused options, and facts that a model says after it was edited.
#include "mambascope/experiments/editing/memit.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/data/corpus.h"
#include "mambascope/data/counterfact.h"
#include "mambascope/error.h"
#include "mambascope/experiments/editing/edit_evaluation.h"
#include "mambascope/experiments/editing/edit_summary.h"
#include "mambascope/intervene/run.h"

namespace mambascope {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

at::Tensor Dense(const Edit& edit) {
  return edit.v.to(at::kDouble).t().mm(edit.u.to(at::kDouble));
}  // [out, in]

double RelativeDifference(const at::Tensor& got, const at::Tensor& want) {
  return ((got - want).norm() / want.norm()).item<double>();
}

// Returns the state of one token by a whole run of its prompt, [width].
at::Tensor StateByRun(const Model& model, const PromptToken& prompt, const Place& place) {
  return mambascope::Run(model, {prompt.ids}, {.variants = {}, .keep = {place}})
      .State(place, 0)[prompt.token]
      .to(at::kDouble);
}

// Makes facts of made-up tokens, with the bare prompt and `others` more contexts each.
std::vector<RewritePrompts> MakeFacts(int64_t facts, int64_t others) {
  std::vector<RewritePrompts> result;
  for (int64_t i = 0; i < facts; ++i) {
    const std::vector<int64_t> prompt = {11 + i, 40 + 7 * i, 90 + 3 * i, 120, 13};
    RewritePrompts fact{
        .prompts = {{prompt, 2}}, .target = {200 + i}, .essence = {{40 + 7 * i, 90 + 3 * i, 5}, 1}};
    for (int64_t c = 0; c < others; ++c) {
      std::vector<int64_t> ids = {17 + c, 60 + 2 * c, 33};
      ids.insert(ids.end(), prompt.begin(), prompt.end());
      fact.prompts.push_back({ids, 5});
    }
    result.push_back(fact);
  }
  return result;
}

class MemitTest : public testing::TestWithParam<std::string> {
 protected:
  // Moments of small made-up keys, which differ from layer to layer.
  const MomentSolver& Solver(const Place& key) const {
    if (!solvers_.contains(key)) solvers_.emplace(key, MomentSolver(MomentsAt(key)));
    return solvers_.at(key);
  }
  Moments MomentsAt(const Place& key) const {
    at::manual_seed(static_cast<uint64_t>(key.layer) + 1);
    const int64_t width = weight(key.layer).size(1), count = 3 * width;
    const at::Tensor keys = 0.05 * at::randn({count, width}, at::kDouble);
    return {.sum = keys.t().mm(keys), .count = count};
  }
  at::Tensor weight(int layer) const {
    return FindEditable(model_.layer(layer), projection_).weight;
  }
  Place KeyAt(int layer) const { return KeyPlace(model_, layer, projection_); }
  MemitResult Edit(const std::vector<RewritePrompts>& facts, const std::set<int>& layers,
                   std::optional<double> lambda) const {
    return Memit(model_, facts, layers, projection_,
                 [&](const Place& key) -> const MomentSolver& { return Solver(key); },
                 {.value = {.steps = 4, .clamp = 0.75}, .lambda = lambda});
  }
  // Returns K^T of `model`, [fact, in].
  static at::Tensor KeysByRun(const Model& model, const std::vector<RewritePrompts>& facts,
                              const Place& key) {
    std::vector<at::Tensor> keys;
    for (const RewritePrompts& fact : facts) {
      at::Tensor generated = at::zeros_like(StateByRun(model, fact.prompts[0], key));
      for (size_t c = 1; c < fact.prompts.size(); ++c)
        generated += StateByRun(model, fact.prompts[c], key);
      const auto others = static_cast<double>(fact.prompts.size() - 1);
      keys.push_back(0.5 * StateByRun(model, fact.prompts[0], key) + 0.5 / others * generated);
    }
    return at::stack(keys);
  }
  static at::Tensor ResidualsByRun(const Model& model, const std::vector<RewritePrompts>& facts,
                                   int layer) {
    std::vector<at::Tensor> rows;
    for (const RewritePrompts& fact : facts)
      rows.push_back(StateByRun(model, fact.prompts[0], {Site::kResid, layer}));
    return at::stack(rows);
  }

  c10::NoGradGuard no_grad_;
  Model model_ = Model::Load(GoldenFolder() / GetParam());
  const std::string projection_ = ResidualProjection(model_, 0);
  // The first two layers that have the projection.
  const int low_ = model_.LayersWith(projection_).at(0),
            high_ = model_.LayersWith(projection_).at(1);
  mutable std::map<Place, MomentSolver> solvers_;
};

// A norm follows the projections of these models, so MEMIT refuses them.
bool HasPostNorms(const std::string& name) { return name.starts_with("gemma") || name == "olmo2"; }
std::vector<std::string> EditedCheckpoints() {
  std::vector<std::string> names = TinyCheckpoints();
  std::erase_if(names, HasPostNorms);
  return names;
}
INSTANTIATE_TEST_SUITE_P(Models, MemitTest, testing::ValuesIn(EditedCheckpoints()), TestName);

TEST(MemitRefusalTest, RefusesAProjectionThatANormFollows) {
  for (const std::string& name : TinyCheckpoints()) {
    if (!HasPostNorms(name)) continue;
    const Model model = Model::Load(GoldenFolder() / name);
    for (const EditableWeight& weight : model.layer(1).editable())
      EXPECT_THAT(ErrorOf([&] { CheckMemit(model, {1}, weight.name); }),
                  AllOf(HasSubstr("MEMIT cannot edit layer 1"), HasSubstr("--method rome")))
          << name << " " << weight.name;
  }
}

TEST_P(MemitTest, ChangesEachLayerByThePapersFormulaOfTheModelEditedSoFar) {
  const std::vector<RewritePrompts> facts = MakeFacts(3, 2);
  const std::set<int> layers = {low_, high_};
  const double lambda = 20;
  const MemitResult result = Edit(facts, layers, lambda);
  ASSERT_THAT(result.layers, SizeIs(2));
  std::vector<at::Tensor> deltas;
  for (const FoundValue& value : result.values) deltas.push_back(value.delta.to(at::kDouble));
  const at::Tensor unedited = ResidualsByRun(model_, facts, high_),
                   z = unedited + at::stack(deltas);
  EXPECT_NEAR(result.distance, (z - unedited).norm(2, {1}).mean().item<double>(),
              1e-5 * result.distance);
  Model edited = model_;
  for (size_t i = 0; i < 2; ++i) {
    const MemitLayer& got = result.layers[i];
    const int l = i == 0 ? low_ : high_;
    const double left = i == 0 ? 2 : 1;
    const at::Tensor k = KeysByRun(edited, facts, KeyAt(l)).t();  // [in, fact]
    const at::Tensor h = ResidualsByRun(edited, facts, high_);    // [fact, out]
    const at::Tensor r = (z - h).t() / left;                      // [out, fact]
    const at::Tensor inverse = at::linalg_inv(lambda * MomentsAt(KeyAt(l)).Mean() + k.mm(k.t()));
    const double scale = model_.editable(l, projection_).scale;
    const at::Tensor change = r.mm(k.t()).mm(inverse) / scale;
    EXPECT_EQ(got.edit.layer, l);
    EXPECT_EQ(got.edit.projection, projection_);
    EXPECT_LT(RelativeDifference(Dense(got.edit), change), 1e-3) << "layer " << l;
    if (i > 0) {
      const at::Tensor stale = (z - unedited).t() / left;
      EXPECT_GT(RelativeDifference(stale.mm(k.t()).mm(inverse) / scale, change), 0.02)
          << "the layers below have moved the residual";
    }
    EXPECT_NEAR(got.change_norm, change.norm().item<double>(), 1e-3 * got.change_norm);
    EXPECT_NEAR(got.weight_norm, weight(l).norm().item<double>(), 1e-5 * got.weight_norm);
    edited =
        edited.Edited({{l, projection_, at::eye(weight(l).size(1)), change.t().to(at::kFloat)}});
    EXPECT_NEAR(got.distance,
                (z - ResidualsByRun(edited, facts, high_)).norm(2, {1}).mean().item<double>(),
                2e-3 * result.distance);
  }
  EXPECT_LT(result.layers.back().distance, 0.9 * result.distance);
}

TEST_P(MemitTest, WithoutLambdaMapsEveryKeyToItsValue) {
  const std::vector<RewritePrompts> facts = MakeFacts(4, 0);
  const MemitResult result = Edit(facts, {high_}, 0);
  const Model edited = model_.Edited(result.Edits());
  const Place resid{Site::kResid, high_};
  const at::Tensor before = FindEditable(model_.layer(high_), projection_).weight,
                   after = FindEditable(edited.layer(high_), projection_).weight;
  for (size_t i = 0; i < facts.size(); ++i) {
    const at::Tensor k = StateByRun(model_, facts[i].prompts[0], KeyAt(high_)).to(at::kFloat);
    const at::Tensor want =
        before.mv(k) + result.values[i].delta / model_.editable(high_, projection_).scale;
    EXPECT_LT(RelativeDifference(after.mv(k), want), 1e-4);
    const at::Tensor z = StateByRun(model_, facts[i].prompts[0], resid) + result.values[i].delta;
    EXPECT_LT(RelativeDifference(StateByRun(edited, facts[i].prompts[0], resid), z), 1e-4);
  }
  EXPECT_LT(result.layers[0].distance, 1e-3 * result.distance);
}

TEST_P(MemitTest, OneFactIsWrittenInTheDirectionThatRomeWritesIt) {
  const std::vector<RewritePrompts> facts = MakeFacts(1, 0);
  const MemitResult result = Edit(facts, {high_}, 0);
  const Solvers solvers = [&](const Place& key) -> const MomentSolver& { return Solver(key); };
  const RomeEdit rome =
      Rome(model_, {{&facts[0], high_, projection_}}, solvers, {.value = {.steps = 2}})[0];
  const at::Tensor& u = result.layers[0].edit.u;
  EXPECT_LT(RelativeDifference(u / u.norm(), rome.edit.u), 1e-4);
}

TEST_P(MemitTest, TheLargerLambdaTheSmallerTheChange) {
  const std::vector<RewritePrompts> facts = MakeFacts(3, 1);
  double last = std::numeric_limits<double>::infinity();
  for (double lambda : {0.0, 10.0, 1000.0, 1e15}) {
    const MemitResult result = Edit(facts, {low_, high_}, lambda);
    const double change = result.layers[0].change_norm / result.layers[0].weight_norm;
    EXPECT_LT(change, last);
    EXPECT_LE(result.layers[1].distance, result.distance * (1 + 1e-6));
    last = change;
  }
  EXPECT_LT(last, 1e-8);
}

TEST_P(MemitTest, LambdaIsAQuarterOfTheWidthUnlessItIsGiven) {
  const std::vector<RewritePrompts> facts = MakeFacts(2, 1);
  const double quarter = 0.25 * static_cast<double>(weight(low_).size(1));
  const MemitResult unsaid = Edit(facts, {low_}, {}), said = Edit(facts, {low_}, quarter),
                    other = Edit(facts, {low_}, 2 * quarter);
  EXPECT_EQ(unsaid.lambda, quarter);
  EXPECT_TRUE(at::equal(unsaid.layers[0].edit.u, said.layers[0].edit.u));
  EXPECT_FALSE(at::equal(unsaid.layers[0].edit.u, other.layers[0].edit.u));
}

TEST_P(MemitTest, LeavesTheModelAsItIs) {
  const std::vector<RewritePrompts> facts = MakeFacts(2, 1);
  const std::vector<int64_t> prompt = facts[0].prompts[0].ids;
  const at::Tensor before = weight(high_).clone(),
                   logits = mambascope::Run(model_, {prompt}).Logits(0);
  const MemitResult result = Edit(facts, {high_}, 1);
  EXPECT_TRUE(at::equal(weight(high_), before));
  EXPECT_TRUE(at::equal(mambascope::Run(model_, {prompt}).Logits(0), logits));
  EXPECT_FALSE(
      at::allclose(mambascope::Run(model_.Edited(result.Edits()), {prompt}).Logits(0), logits))
      << "the edit does something";
}

TEST_P(MemitTest, MoreFactsThanInputsAreEditedToo) {
  const int64_t width = weight(low_).size(1);
  const std::vector<RewritePrompts> facts = MakeFacts(width / 16, 0);
  std::vector<RewritePrompts> many;
  while (static_cast<int64_t>(many.size()) <= width)
    many.insert(many.end(), facts.begin(), facts.end());
  const Solvers solvers = [&](const Place& key) -> const MomentSolver& { return Solver(key); };
  const MemitResult once = Edit(facts, {low_}, 10);
  const auto repeats = static_cast<double>(many.size() / facts.size());
  const MemitResult result = Memit(model_, many, {low_}, projection_, solvers,
                                   {.value = {.steps = 4, .clamp = 0.75}, .lambda = 10 * repeats});
  EXPECT_EQ(result.layers[0].edit.u.size(0), static_cast<int64_t>(many.size()));
  EXPECT_LT(RelativeDifference(Dense(result.layers[0].edit), Dense(once.layers[0].edit)), 1e-3)
      << "every fact so many times, and C as many times: the same";
}

TEST_P(MemitTest, RefusesWhatItCannotEdit) {
  const std::vector<RewritePrompts> facts = MakeFacts(2, 0);
  const Solvers solvers = [&](const Place& key) -> const MomentSolver& { return Solver(key); };
  const auto error = [&](const std::vector<RewritePrompts>& some, const std::set<int>& layers,
                         const std::string& projection) {
    return ErrorOf([&] {
      Memit(model_, some, layers, projection, solvers, {.value = {.steps = 2}, .lambda = 0});
    });
  };
  for (const EditableWeight& weight : model_.layer(low_).editable()) {
    if (weight.name == projection_) continue;
    // Attention and MLP of some families are added to the residual stream together.
    if (model_.layer(low_).IsAddedToOutput(weight.value))
      EXPECT_NO_THROW(CheckMemit(model_, {low_}, weight.name)) << weight.name;
    else
      EXPECT_THAT(
          error(facts, {low_}, weight.name),
          AllOf(HasSubstr(weight.name), HasSubstr("another part of the layer reads its output")));
  }
  EXPECT_THAT(error(facts, {high_, 77}, projection_), HasSubstr("layer 77 is out of range"));
  EXPECT_THAT(error(facts, {high_}, "W_z"), HasSubstr("W_z"));
  EXPECT_THAT(error({facts[0], facts[0]}, {high_}, projection_),
              HasSubstr("are linearly dependent"));
}

// In gpt_neox, gptj and phi, attention is added to the residual stream beside the MLP.
TEST(MemitProjectionTest, MambaIsEditedAtItsOutputProjectionAndATransformerAtItsMlp) {
  EXPECT_EQ(ResidualProjection(Model::Load(GoldenFolder() / "mamba"), 0), "W_o");
  for (const char* name : {"llama", "gpt_neox", "gpt_neox-serial", "gptj", "phi"})
    EXPECT_EQ(ResidualProjection(Model::Load(GoldenFolder() / name), 0), "W_down") << name;
}

class MemitDemoTest : public testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Models, MemitDemoTest,
                         testing::Values("demo-mamba", "demo-mamba2", "demo-neox"), TestName);

// Edits ten records of the bundled CounterFact file at once, with moments of a small part of the
// bundled sentences.
TEST_P(MemitDemoTest, TheEditedModelSaysWhatWasWritten) {
  c10::NoGradGuard no_grad;
  const auto folder = RepositoryFolder() / "models" / GetParam();
  const Model model = Model::Load(folder);
  const Tokenizer tokenizer = Tokenizer::Load(folder);
  const std::string projection = ResidualProjection(model, 0);
  const std::set<int> layers = {3, 4, 5};
  std::vector<Place> places;
  for (int l : layers) places.push_back(KeyPlace(model, l, projection));
  MomentCollector collector(model, places);
  Corpus corpus({RepositoryFolder() / "data/demo/sentences.jsonl"});
  for (int i = 0; i < 120; ++i) {
    std::vector<int64_t> ids;
    for (const Token& token : tokenizer.EncodeContinuation(*corpus.Next())) ids.push_back(token.id);
    collector.Add({ids}, places);
  }
  std::map<Place, MomentSolver> solvers;
  for (const Place& place : places)
    solvers.emplace(place, MomentSolver(collector.At(place), /*ridge=*/0.01));

  std::vector<CounterFactRecord> records =
      ReadCounterFact(RepositoryFolder() / "data/demo/counterfact.json");
  records.resize(10);
  std::vector<RewritePrompts> facts;
  for (const CounterFactRecord& r : records)
    facts.push_back(PrepareRewrite(tokenizer, {r.pattern, r.subject, r.target_new},
                                   {"{}", "It is well known. {}"}));
  const MemitResult result =
      Memit(model, facts, layers, projection,
            [&](const Place& key) -> const MomentSolver& { return solvers.at(key); },
            {.value = {.steps = 25, .clamp = 0.75, .enough_p = 1}, .lambda = 10});
  const auto evaluate = [&](const Model& of) {
    std::vector<EditScores> scores;
    for (const RecordScores& record : EvaluateRecords(of, tokenizer, records))
      scores.push_back(MakeEditScores(record));
    return AverageScores(scores).measures;
  };
  const EditMeasures<MeasureMean> before = evaluate(model),
                                  after = evaluate(model.Edited(result.Edits()));
  EXPECT_LE(*before.rewrite.success.mean, 20);
  EXPECT_GE(*after.rewrite.success.mean, 80);
  EXPECT_GE(*after.neighborhood.success.mean, 0.9 * *before.neighborhood.success.mean);
}

}  // namespace
}  // namespace mambascope
