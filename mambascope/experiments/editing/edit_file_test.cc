#include "mambascope/experiments/editing/edit_file.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/checkpoint/tensor_file.h"
#include "mambascope/checkpoint/test_support.h"
#include "mambascope/intervene/run.h"
#include "mambascope/model/changed_checkpoint_test_support.h"

namespace mambascope {
namespace {

Edit RandomEdit(const Model& model, int layer, const std::string& projection, int64_t rank) {
  const at::Tensor weight = FindEditable(model.layer(layer), projection).weight;
  return {layer, projection, at::randn({rank, weight.size(1)}) / 4,
          at::randn({rank, weight.size(0)}) / 4};
}

class EditFileTest : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Checkpoints, EditFileTest, testing::ValuesIn(TinyCheckpoints()), TestName);

TEST_P(EditFileTest, AppliedAndReloadedIsWhatTheEditedModelIs) {
  c10::NoGradGuard no_grad;
  at::manual_seed(7);
  const std::filesystem::path folder = GoldenFolder() / GetParam();
  const Model model = Model::Load(folder);
  std::vector<Edit> edits;
  for (int l = 0; l < model.layers(); ++l) {
    for (const EditableWeight& weight : model.layer(l).editable())
      edits.push_back(RandomEdit(model, l, weight.name, 1 + l % 2));
  }
  const std::vector<int64_t> ids = {7, 30, 21, 150, 9};
  const at::Tensor before = mambascope::Run(model, {ids}).Logits(0),
                   want = mambascope::Run(model.Edited(edits), {ids}).Logits(0);
  EXPECT_GT(MaxDifference(want, before), 1e-3);
  const TempFolder out;
  const std::string fingerprint = Fingerprint(folder);
  WriteEditedCheckpoint(folder, model, edits, out / "edited");
  EXPECT_LT(MaxDifference(mambascope::Run(Model::Load(out / "edited"), {ids}).Logits(0), want),
            1e-6 * want.abs().max().item<double>());
  EXPECT_EQ(Fingerprint(folder), fingerprint) << "the checkpoint has changed";
  for (const Edit& edit : edits) {  // each edit alone, so that no other hides its effect
    WriteEditedCheckpoint(folder, model, {edit}, out / "one", EditedType::kFloat32,
                          OtherEdit::kReplace);
    const at::Tensor alone = mambascope::Run(model.Edited({edit}), {ids}).Logits(0);
    EXPECT_LT(MaxDifference(mambascope::Run(Model::Load(out / "one"), {ids}).Logits(0), alone),
              1e-6 * alone.abs().max().item<double>())
        << edit.projection << " at layer " << edit.layer;
    EXPECT_GT(MaxDifference(alone, before), 1e-4)
        << edit.projection << " at layer " << edit.layer << ": the edit does nothing";
  }
}

// The edit of a text model leaves the other parts of a multimodal checkpoint as they were.
TEST(EditFileFormatTest, TextModelOfAMultimodalCheckpointIsEdited) {
  c10::NoGradGuard no_grad;
  ChangedCheckpoint checkpoint("llama");
  checkpoint.Wrap();
  checkpoint.Rename([](const std::string& name) { return "_orig_mod." + name; });
  const Model model = checkpoint.Load();
  const std::vector<Edit> edits = {RandomEdit(model, 1, "W_down", 1)};
  const TempFolder out;
  WriteEditedCheckpoint(checkpoint.folder.path(), model, edits, out / "edited");
  const at::Tensor want = SomeLogits(model.Edited(edits));
  EXPECT_GT(MaxDifference(want, SomeLogits(model)), 1e-3);
  EXPECT_LT(MaxDifference(SomeLogits(Model::Load(out / "edited")), want),
            1e-6 * want.abs().max().item<double>());
  const auto tensors = Checkpoint::Open(out / "edited").All();
  EXPECT_EQ(tensors.size(), checkpoint.tensors.size());
  EXPECT_TRUE(tensors.at("vision_tower.embeddings.weight").equal(at::ones({3})));
}

// Zamba2 keeps a shared block with the first layer that uses it. Some files also hold copies of it.
TEST(EditFileFormatTest, CopiesOfASharedWeightAreEditedTogether) {
  c10::NoGradGuard no_grad;
  ChangedCheckpoint checkpoint("zamba2");
  const Model without = checkpoint.Load();
  const std::string first = "model.layers.2.shared_transformer.",
                    second = "model.layers.4.shared_transformer.";
  std::map<std::string, at::Tensor> copies;
  for (const auto& [name, tensor] : checkpoint.tensors) {
    if (name.starts_with(first)) copies[second + name.substr(first.size())] = tensor;
  }
  ASSERT_FALSE(copies.empty());
  checkpoint.tensors.insert(copies.begin(), copies.end());
  const Model model = checkpoint.Load();
  EXPECT_TRUE(model.warnings().empty());
  EXPECT_EQ(model.parameters(), without.parameters());
  const TempFolder out;
  for (const char* projection : {"W_down", "attn_W_o"}) {
    for (const int layer : {2, 4}) {
      const std::vector<Edit> edits = {RandomEdit(model, layer, projection, 1)};
      WriteEditedCheckpoint(checkpoint.folder.path(), model, edits, out / "edited",
                            EditedType::kFloat32, OtherEdit::kReplace);
      const Model edited = Model::Load(out / "edited");  // it demands that copies are equal
      EXPECT_LT(MaxDifference(SomeLogits(edited), SomeLogits(model.Edited(edits))), 1e-5);
      EXPECT_GT(MaxDifference(SomeLogits(edited), SomeLogits(model)), 1e-3);
    }
  }
  checkpoint.tensors[second + "feed_forward.down_proj.weight"] =
      checkpoint.tensors[first + "feed_forward.down_proj.weight"] + 1;
  EXPECT_THAT(ErrorOf([&] { (void)checkpoint.Load(); }),
              AllOf(HasSubstr("shares one weight"), HasSubstr("layers.4"), HasSubstr("layers.2")));
}

TEST(EditFileFormatTest, EditedCheckpointsHaveFingerprintsOfTheirOwn) {
  c10::NoGradGuard no_grad;
  const std::filesystem::path folder = RepositoryFolder() / "models/demo-mamba";
  const Model model = Model::Load(folder);
  const TempFolder out;
  WriteEditedCheckpoint(folder, model, {RandomEdit(model, 8, "W_o", 1)}, out / "a");
  const std::vector<Edit> edits = {RandomEdit(model, 8, "W_o", 1)};
  WriteEditedCheckpoint(folder, model, edits, out / "b");
  WriteEditedCheckpoint(folder, model, edits, out / "b");  // the same again
  const std::vector<Edit> other = {RandomEdit(model, 8, "W_o", 2)};
  EXPECT_THAT(ErrorOf([&] { WriteEditedCheckpoint(folder, model, other, out / "b"); }),
              HasSubstr("another edit"));
  WriteEditedCheckpoint(folder, model, other, out / "b", EditedType::kFloat32, OtherEdit::kReplace);
  EXPECT_NE(Fingerprint(out / "a"), Fingerprint(out / "b"));
  EXPECT_NE(Fingerprint(out / "a"), Fingerprint(folder));
}

TEST(EditFileFormatTest, WhatIsWrittenIsRead) {
  const TempFolder folder;
  at::manual_seed(8);
  const StoredEdits one{{{15, "W_o", at::randn({1, 5}), at::randn({1, 3})}}, "0123"};
  const StoredEdits many{{{3, "W_o", at::randn({4, 5}), at::randn({4, 3})},
                          {4, "W_o", at::randn({1, 5}), at::randn({1, 3})}},
                         "4567"};
  for (const StoredEdits* stored : {&one, &many}) {
    WriteEdits(folder / "edit.safetensors", *stored);
    const StoredEdits read = ReadEdits(folder / "edit.safetensors");
    EXPECT_EQ(read.model, stored->model);
    ASSERT_EQ(read.edits.size(), stored->edits.size());
    for (size_t i = 0; i < read.edits.size(); ++i) {
      EXPECT_EQ(read.edits[i].layer, stored->edits[i].layer);
      EXPECT_EQ(read.edits[i].projection, stored->edits[i].projection);
      EXPECT_TRUE(read.edits[i].u.equal(stored->edits[i].u));
      EXPECT_TRUE(read.edits[i].v.equal(stored->edits[i].v));
    }
  }
  // A single rank-one edit is stored as plain vectors, for other programs.
  WriteEdits(folder / "edit.safetensors", one);
  EXPECT_EQ(OpenSafetensors(folder / "edit.safetensors")->Read("u").sizes().vec(),
            std::vector<int64_t>({5}));
  EXPECT_EQ(OpenSafetensors(folder / "edit.safetensors")->Read("v").sizes().vec(),
            std::vector<int64_t>({3}));
}

TEST(EditFileFormatTest, OtherFilesAreRefused) {
  const TempFolder folder;
  const auto error = [&](const std::map<std::string, at::Tensor>& tensors,
                         const std::map<std::string, std::string>& metadata) {
    WriteSafetensors(folder / "x", tensors, metadata);
    return ErrorOf([&] { ReadEdits(folder / "x"); });
  };
  const at::Tensor u = at::ones({5}), v = at::ones({3});
  const std::string one = R"([{"layer":1,"projection":"W_o"}])";
  EXPECT_THAT(error({{"u", u}, {"v", v}}, {}), testing::HasSubstr("is not an edit"));
  EXPECT_THAT(error({{"u", u}}, {{"format", "mambascope-edit"}, {"edits", one}}),
              testing::HasSubstr("lacks its tensor v"));
  EXPECT_THAT(
      error({{"u", u.unsqueeze(0)}, {"v", v}}, {{"format", "mambascope-edit"}, {"edits", one}}),
      testing::HasSubstr("a wrong type or shape"));
  EXPECT_THAT(error({{"u", u}, {"v", v}}, {{"format", "mambascope-edit"}, {"edits", "[]"}}),
              testing::HasSubstr("lists no edits"));
  for (const std::string list : {R"([{"layer":"1"}])", R"([{"layer":1}])", "[1]",
                                 R"([{"layer":4294967304,"projection":"W_o"}])"})
    EXPECT_THAT(error({{"u", u}, {"v", v}}, {{"format", "mambascope-edit"}, {"edits", list}}),
                testing::HasSubstr("lacks its layer"))
        << list;
}

TEST(EditFileFormatTest, AnotherCheckpointIsNeverWrittenOver) {
  const std::filesystem::path folder = GoldenFolder() / "mamba";
  const Model model = Model::Load(folder);
  const std::vector<Edit> edits = {RandomEdit(model, 0, "W_o", 1)};
  for (const char* name :
       {"model.safetensors", "pytorch_model.bin", "model.safetensors.index.json"}) {
    const TempFolder out;
    std::filesystem::copy(GoldenFolder() / "grouped-norm/model.safetensors", out / name);
    const std::string before = ReadFile(out / name);
    EXPECT_THAT(ErrorOf([&] { WriteEditedCheckpoint(folder, model, edits, out.path()); }),
                testing::HasSubstr(name));
    EXPECT_EQ(ReadFile(out / name), before);
    EXPECT_FALSE(std::filesystem::exists(out / "config.json"));
  }
}

// Such as a tokenizer of one's own, or the configuration of another model.
TEST(EditFileFormatTest, OtherFilesAreReplacedOnlyWhereThatIsAskedFor) {
  const std::filesystem::path folder = GoldenFolder() / "mamba";
  const Model model = Model::Load(folder);
  const std::vector<Edit> edits = {RandomEdit(model, 0, "W_o", 1)};
  const TempFolder out;
  WriteFile(out / "config.json", "{}");
  EXPECT_THAT(ErrorOf([&] { WriteEditedCheckpoint(folder, model, edits, out.path()); }),
              testing::HasSubstr("holds another config.json; use another folder, or overwrite"));
  EXPECT_EQ(ReadFile(out / "config.json"), "{}");
  EXPECT_FALSE(std::filesystem::exists(out / "model.safetensors"));
  WriteEditedCheckpoint(folder, model, edits, out.path(), EditedType::kFloat32,
                        OtherEdit::kReplace);
  WriteEditedCheckpoint(folder, model, edits, out.path());
  EXPECT_THAT(ErrorOf([&] {
                WriteEditedCheckpoint(folder, model, edits, out.path(), EditedType::kAsStored);
              }),
              testing::HasSubstr("another edit"));
}

// A cache of Hugging Face, or a copy with `cp -rs`, is a folder of links.
TEST(EditFileFormatTest, LinksAreReplacedAndWhatTheyNameStays) {
  const std::filesystem::path folder = GoldenFolder() / "mamba";
  const Model model = Model::Load(folder);
  const TempFolder first, out;
  WriteEditedCheckpoint(folder, model, {RandomEdit(model, 0, "W_o", 1)}, first.path());
  for (const auto& entry : std::filesystem::directory_iterator(first.path()))
    std::filesystem::create_symlink(entry.path(), out / entry.path().filename().string());
  const std::string before = ReadFile(first / "model.safetensors");
  WriteEditedCheckpoint(folder, model, {RandomEdit(model, 0, "W_o", 2)}, out.path(),
                        EditedType::kFloat32, OtherEdit::kReplace);
  EXPECT_EQ(ReadFile(first / "model.safetensors"), before);
  EXPECT_NE(ReadFile(out / "model.safetensors"), before);
}

TEST(EditFileFormatTest, AnEditedCheckpointNamesTheOneBeforeAllItsEdits) {
  const std::filesystem::path folder = GoldenFolder() / "mamba";
  const Model model = Model::Load(folder);
  const TempFolder once, twice;
  WriteEditedCheckpoint(folder, model, {RandomEdit(model, 0, "W_o", 1)}, once.path());
  WriteEditedCheckpoint(once.path(), Model::Load(once.path()), {RandomEdit(model, 1, "W_o", 2)},
                        twice.path());
  EXPECT_EQ(BaseFingerprint(folder), "");
  EXPECT_EQ(BaseFingerprint(once.path()), Fingerprint(folder));
  EXPECT_EQ(BaseFingerprint(twice.path()), Fingerprint(folder));
  EXPECT_NE(Fingerprint(once.path()), Fingerprint(folder));
}

TEST(EditFileFormatTest, CheckpointIsNeverWrittenOver) {
  const std::filesystem::path folder = GoldenFolder() / "mamba";
  const Model model = Model::Load(folder);
  EXPECT_THAT(ErrorOf([&] {
                WriteEditedCheckpoint(folder, model, {RandomEdit(model, 0, "W_o", 1)}, folder);
              }),
              testing::HasSubstr("own folder"));
}

}  // namespace
}  // namespace mambascope
