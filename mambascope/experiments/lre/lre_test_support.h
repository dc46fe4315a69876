// A relation of the bundled data measured on a bundled model, shared by the tests.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/data/relation.h"
#include "mambascope/experiments/facts/fact_pair.h"
#include "mambascope/experiments/lre/lre.h"
#include "mambascope/intervene/run.h"

namespace mambascope {

// A relation with every third sample of animal_class, so that tests are quick.
inline Relation SomeAnimals() {
  Relation relation = ReadRelation(RepositoryFolder() / "data/demo/relations/animal_class.json");
  std::vector<Sample> some;
  for (size_t i = 0; i < relation.samples.size(); i += 3) some.push_back(relation.samples[i]);
  relation.samples = some;
  return relation;
}

class LreTest : public testing::Test {
 protected:
  const std::filesystem::path folder_ = RepositoryFolder() / "models/demo-mamba";
  const Model model_ = Model::Load(folder_);
  const Tokenizer tokenizer_ = Tokenizer::Load(folder_);
  const Relation relation_ = SomeAnimals();

  LreOptions Options() const {
    LreOptions options{
        .trials = 2, .layers = {8, kEmbedLayer}, .betas = {1, 3, 5}, .ranks = {0, 24}, .limit = 12};
    options.train_prompts.prefix = options.test_prompts.prefix = "";
    return options;
  }
  const LreRelation& Measured() const {
    static const LreRelation measured = MeasureRelation(model_, tokenizer_, relation_, Options());
    return measured;
  }
  PromptToken TestPrompt(const LreTrial& trial, const Sample& sample) const {
    return MakeRelationPrompt(tokenizer_, relation_.prompt_templates[0], trial.train,
                              sample.subject, {.prefix = ""});
  }
  // The block's output at the prompt's token, [d_model].
  at::Tensor State(const PromptToken& prompt, int layer) const {
    const Place at = BlockOutput(layer);
    return mambascope::Run(model_, {prompt.ids}, {.keep = {at}}).State(at, 0)[prompt.token];
  }
  // The last block's output at the prompt's end, [d_model].
  at::Tensor LastState(const PromptToken& prompt) const {
    return State({prompt.ids, static_cast<int64_t>(prompt.ids.size()) - 1}, model_.layers() - 1);
  }
  // Whether the most probable token of `z` [d_model], a last state, says the object.
  bool Says(const at::Tensor& z, const std::string& object) const {
    return IsAnswer(Top(model_.Unembed(z.unsqueeze(0))[0]), object);
  }
  // Whether the model says the object when dh is added to the layer's output at the prompt's token.
  bool SaysMoved(const PromptToken& prompt, int layer, const at::Tensor& dh,
                 const std::string& object) const {
    const Place at = BlockOutput(layer);
    const Variant edit = {Add{{at.site, at.layer, prompt.token}, dh}};
    return IsAnswer(Top(mambascope::Run(model_, {prompt.ids}, {.variants = {edit}}).Logits(0)[-1]),
                    object);
  }
  std::string Top(const at::Tensor& logits) const {
    return tokenizer_.DecodeToken(logits.argmax().item<int64_t>()).value_or("");
  }
};

}  // namespace mambascope
