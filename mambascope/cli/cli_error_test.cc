// Whatever a user can get wrong ends in exit code 1 and one line that says what and where, and
// leaves no file behind.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <set>

#include "mambascope/checkpoint/tensor_file.h"
#include "mambascope/cli/cli_test_support.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

using Tensors = std::map<std::string, at::Tensor>;
using FileChange =
    std::function<void(const fs::path& model)>;  // makes a good checkpoint folder a bad one

FileChange EditTensors(const std::function<void(Tensors&)>& edit) {
  return [edit](const fs::path& model) {
    Tensors tensors;
    const auto file = OpenSafetensors(model / "model.safetensors");
    for (const auto& [name, info] : file->tensors()) tensors[name] = file->Read(name);
    edit(tensors);
    WriteSafetensors(model / "model.safetensors", tensors);
  };
}

FileChange EditConfig(const Json& changes) {
  return [changes](const fs::path& model) {
    Json config = ReadJson(model / "config.json");
    config.update(changes);
    WriteFile(model / "config.json", config.dump());
  };
}

// Keeps the first `bytes` of a file of the folder.
FileChange Truncate(const std::string& name, size_t bytes) {
  return [=](const fs::path& model) { fs::resize_file(model / name, bytes); };
}

FileChange Overwrite(const std::string& name, const std::string& bytes) {
  return [=](const fs::path& model) { WriteFile(model / name, bytes); };
}

struct BadInput {
  const char* name;
  std::vector<std::string> arguments;  // MODEL: a copy of tests/golden/mamba after `edit`; NEW: a
                                       // folder that is not there yet; FILE: a file
  std::vector<const char*> says;
  FileChange edit = {};
};

void PrintTo(const BadInput& input, std::ostream* out) { *out << input.name; }

class BadInputTest : public testing::TestWithParam<BadInput> {
 protected:
  BadInputTest() {
    fs::copy(GoldenFolder() / "mamba", folder_ / "MODEL");
    WriteFile(folder_ / "FILE", "as it was");
    if (GetParam().edit) GetParam().edit(folder_ / "MODEL");
  }
  // The argument with MODEL, NEW and FILE where they lie in the test's folder.
  std::string Placed(const std::string& argument) const {
    for (const char* name : {"MODEL", "NEW", "FILE"}) {
      if (argument.starts_with(name)) return folder_ / argument;
    }
    return argument;
  }
  std::set<std::string> Files() const {
    std::set<std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
      if (!entry.is_directory()) files.insert(entry.path().string());
    }
    return files;
  }
  TempFolder folder_;
};

TEST_P(BadInputTest, IsOneLineAndExitCodeOne) {
  std::vector<std::string> arguments;
  for (const std::string& argument : GetParam().arguments) arguments.push_back(Placed(argument));
  const std::set<std::string> before = Files();
  const Outcome outcome = RunProgram(arguments);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, AllOf(StartsWith("error: "), EndsWith("\n")));
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  EXPECT_THAT(outcome.err, testing::Not(HasSubstr("unexpected")));
  for (const char* text : GetParam().says) EXPECT_THAT(outcome.err, HasSubstr(text));
  EXPECT_EQ(Files(), before) << "files are left behind";
  EXPECT_EQ(ReadFile(folder_ / "FILE"), "as it was");
}

const auto InputName = [](const auto& info) { return info.param.name; };

const Words kInfo = {"info", "--model", "MODEL"};
const BadInput kBadModels[] = {
    {"MissingFolder", {"info", "--model", "NEW"}, {"NEW: no such folder", "demo-mamba2"}},
    {"MissingFolderAndAPrompt",
     {"predict", "--model", "NEW", "--prompt", "hi"},
     {"NEW: no such folder"}},
    {"FileInPlaceOfAFolder", {"info", "--model", "FILE"}, {"FILE: no such folder"}},
    {"FolderNameTooLong", {"info", "--model", std::string(5000, 'a')}, {"no such folder"}},
    {"FolderNameOfTwoLines", {"info", "--model", "no\nsuch"}, {"no\\nsuch: no such folder"}},
    {"NoWeights",
     kInfo,
     {"MODEL: holds no model.safetensors"},
     [](const fs::path& model) {
       for (const char* file : {"model.safetensors", "expected.safetensors"})
         fs::remove(model / file);
     }},
    {"NotItsWeights",  // the only .safetensors file
     kInfo,
     {"MODEL: tensor 'backbone.embeddings.weight' is missing"},
     [](const fs::path& model) { fs::remove(model / "model.safetensors"); }},
    {"Adapter",
     {"predict", "--model", "MODEL", "--prompt", "hi"},
     {"MODEL: holds an adapter, such as LoRA", "merge_and_unload"},
     [](const fs::path& model) {
       fs::remove(model / "config.json");
       WriteFile(model / "adapter_config.json", "{}");
     }},
    {"OtherFormat",
     kInfo,
     {"MODEL: holds its weights in the format GGUF (x.gguf), which is not read"},
     [](const fs::path& model) {
       fs::remove(model / "config.json");
       WriteFile(model / "x.gguf", "GGUF");
     }},
    {"GitLfsPointer",
     kInfo,
     {"MODEL/model.safetensors: is a Git LFS pointer", "git lfs pull"},
     Overwrite("model.safetensors", "version https://git-lfs.github.com/spec/v1\n")},
    {"NoConfig",
     kInfo,
     {"MODEL/config.json is missing"},
     [](const fs::path& model) { fs::remove(model / "config.json"); }},
    {"WeightsCutInTheMiddle",
     kInfo,
     {"MODEL/model.safetensors: tensor 'backbone.", "truncated"},
     Truncate("model.safetensors", 200'000)},
    {"WeightsCutInTheHeader",
     kInfo,
     {"MODEL/model.safetensors: the header runs past the end", "truncated"},
     Truncate("model.safetensors", 100)},
    {"WeightsEmpty",
     kInfo,
     {"MODEL/model.safetensors: the file is shorter than the 8 bytes"},
     Truncate("model.safetensors", 0)},
    {"WeightsCorrupt",
     kInfo,
     {"MODEL/model.safetensors: is not a safetensors file"},
     Overwrite("model.safetensors", std::string("\x04\0\0\0\0\0\0\0oops", 12))},
    {"TensorMissing",
     kInfo,
     {"MODEL: tensor 'backbone.layers.2.mixer.D' is missing"},
     EditTensors([](Tensors& t) { t.erase("backbone.layers.2.mixer.D"); })},
    {"TensorMisshapen",
     kInfo,
     {"MODEL: tensor 'backbone.norm_f.weight' has shape [3]", "requires [48]"},
     EditTensors([](Tensors& t) { t["backbone.norm_f.weight"] = at::ones({3}); })},
    {"TensorOfIntegers",
     kInfo,
     {"MODEL: tensor 'backbone.norm_f.weight' has type I64"},
     EditTensors([](Tensors& t) { t["backbone.norm_f.weight"] = at::ones({48}, at::kLong); })},
    {"ConfigNotJson",
     kInfo,
     {"MODEL/config.json: invalid JSON at byte 12"},
     Overwrite("config.json", "{\"layers\": oops}")},
    {"ConfigWithoutAField",
     kInfo,
     {"MODEL/config.json: lacks the field 'hidden_size'"},
     EditConfig({{"hidden_size", nullptr}})},
    {"UnknownArchitecture",
     kInfo,
     {"MODEL/config.json: unknown model_type 'rwkv'", "supported: mamba, falcon_mamba, mamba2"},
     EditConfig({{"model_type", "rwkv"}})},
    {"TokenizerMissing",
     {"predict", "--model", "MODEL", "--prompt", "hi"},
     {"tokenizer", "--tokenizer", "--ids"}},
    {"TokenizerFileMissing",
     {"predict", "--prompt", "hi", "--tokenizer", "NEW"},
     {"NEW: cannot be read", "No such file"}},
    {"TokenizerNotOne",
     {"predict", "--prompt", "hi", "--tokenizer", "MODEL/config.json"},
     {"MODEL/config.json"}}};
INSTANTIATE_TEST_SUITE_P(Models, BadInputTest, testing::ValuesIn(kBadModels), InputName);

// One layer's weights are NaN.
const FileChange kNotNumbers =
    EditTensors([](Tensors& t) { t["backbone.layers.1.mixer.D"].fill_(std::nan("")); });
const Words kOneId = {"--model", "MODEL", "--ids", "5,17"};
const BadInput kDamagedModels[] = {
    {"Predict", Words{"predict"} + kOneId, {"a logit is not a number", "damaged"}, kNotNumbers},
    {"Generate",
     Words{"generate", "--tokens", "2"} + kOneId,
     {"a logit is not a number"},
     kNotNumbers},
    {"States",
     Words{"states", "--out", "NEW/x.safetensors"} + kOneId,
     {"a logit is not a number"},
     kNotNumbers},
    {"Attention",
     Words{"attention", "--layer", "2", "--out", "NEW"} + kOneId,
     {"an attention weight is not a number"},
     kNotNumbers}};
INSTANTIATE_TEST_SUITE_P(Damaged, BadInputTest, testing::ValuesIn(kDamagedModels), InputName);

// With token ids a tokenizer that cannot be read only costs the tokens' texts.
TEST(IdsTest, NeedNoTokenizer) {
  const TempFolder folder;
  fs::copy(GoldenFolder() / "mamba", folder / "model");
  WriteFile(folder / "model/tokenizer.json", R"({"model": {"type": "Unigram"}})");
  const std::string model = folder / "model";
  for (const Words& command : {Words{"predict"}, Words{"generate", "--tokens", "2"},
                               Words{"attention", "--layer", "1", "--out", folder / "a"},
                               Words{"states", "--out", folder / "s.safetensors"}}) {
    const Outcome outcome = RunProgram(command + Words{"--model", model, "--ids", "5,17"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    if (command[0] == "states") EXPECT_EQ(outcome.err, "");
    else
      EXPECT_THAT(outcome.err, AllOf(StartsWith("warning: "), HasSubstr("tokenizer.json")))
          << command[0];
    fs::remove_all(folder / "a");  // the results of --ids, which would be another run's
    fs::remove(folder / "s.safetensors");
    const Outcome refused = RunProgram(command + Words{"--model", model, "--prompt", "hi"});
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.err, AllOf(HasSubstr("'model.type' is \"Unigram\""), HasSubstr("--ids")));
  }
}

Words Trace(const Words& more) {
  Words words = {"trace", "--out", "NEW"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// `count` ids.
std::string Ids(int count) {
  std::string ids = "1";
  while (--count > 0) ids += ",1";
  return ids;
}

const std::string kGpt2 = (GoldenFolder() / "gpt2").string();  // 128 positions
const BadInput kBadPrompts[] = {
    {"NoPrompt", {"predict"}, {"no prompt", "--prompt", "--ids"}},
    {"EmptyPrompt", {"predict", "--prompt", ""}, {"the prompt is empty"}},
    {"EmptyPromptOfStates",
     {"states", "--prompt", "", "--out", "NEW/x.safetensors"},
     {"the prompt is empty"}},
    {"PromptNotUtf8", {"predict", "--prompt", "\xff"}, {"not UTF-8: byte 0xFF"}},
    {"IdOutOfRange", {"predict", "--ids", "5,4096"}, {"token id 4096", "vocabulary of 4096"}},
    {"IdNegative", {"generate", "--ids=-1"}, {"token id -1"}},
    {"PromptLongerThanThePositions",
     {"predict", "--model", kGpt2, "--ids", Ids(129)},
     {"129 tokens", "n_positions: 128"}},
    {"ContinuationLongerThanThePositions",
     {"generate", "--model", kGpt2, "--ids", Ids(120), "--tokens", "20"},
     {"n_positions: 128"}},
    {"NoHole",
     Trace({"--prompt", "Paris is in", "--subject", "Rome", "--corrupt-subject", "Oslo"}),
     {"'Rome' is not in the prompt 'Paris is in'"}},
    {"NoHoleInTwoLines",
     Trace({"--prompt", "Paris\nis in", "--subject", "Rome", "--corrupt-subject", "Oslo"}),
     {"'Paris\\nis in'"}},
    {"TwoHoles",
     Trace({"--prompt", "{} or {}", "--subject", "Rome", "--corrupt-subject", "Oslo"}),
     {"'{} or {}'", "exactly one {}"}},
    {"NoSubject",
     Trace({"--prompt", "{} is in", "--subject", "", "--corrupt-subject", "Oslo"}),
     {"the subject is empty"}},
    {"NoCorruptSubject",
     Trace({"--prompt", "{} is in", "--subject", "Rome", "--corrupt-subject", ""}),
     {"the subject is empty"}},
    {"SiteOfTransformers",
     Trace({"--prompt", "{} is", "--subject", "Rome", "--corrupt-subject", "Oslo", "--site",
            "mlp_out"}),
     {"site 'mlp_out'",
      "it has: embed, mixer_in, conv_in, ssm_in, ssm_out, gate_in, gate, mixed, mixer_out, resid"}},
    {"SiteOfStateSpaceModels",
     {"states", "--model", "demo-neox", "--prompt", "hi", "--sites", "resid,ssm_out", "--out",
      "NEW/x.safetensors"},
     {"site 'ssm_out'", "it has: embed, mixer_in, mixed, mixer_out", "mlp_out"}}};
INSTANTIATE_TEST_SUITE_P(Prompts, BadInputTest, testing::ValuesIn(kBadPrompts), InputName);

// The model is missing too, so that the output's error can only come from a look before the work.
const BadInput kBadOutputs[] = {
    {"FolderBelowAFile",
     {"trace", "--model", "MODEL", "--prompt", "{} is", "--subject", "Rome", "--corrupt-subject",
      "Oslo", "--out", "FILE/out"},
     {"FILE/out: cannot be written: Not a directory", "choose another place"}},
    {"Paths",
     {"paths", "--model", "MODEL", "--relations", "FILE", "--out", "FILE/out"},
     {"FILE/out: cannot be written: Not a directory"}},
    {"Knockout",
     {"knockout", "--model", "MODEL", "--relations", "FILE", "--out", "FILE/out"},
     {"FILE/out: cannot be written: Not a directory"}},
    {"Edit",
     {"edit", "--model", "NEW", "--counterfact", "FILE", "--out", "FILE/out"},
     {"FILE/out: cannot be written: Not a directory"}},
    {"Moments",
     {"moments", "--model", "NEW", "--out", "FILE/out"},
     {"FILE/out: cannot be written: Not a directory"}},
    {"Lre",
     {"lre", "--model", "NEW", "--relations", "FILE", "--out", "FILE/out"},
     {"FILE/out: cannot be written: Not a directory"}},
    {"Attention",
     {"attention", "--model", "NEW", "--ids", "3", "--layer", "0", "--out", "FILE/out"},
     {"FILE/out: cannot be written: Not a directory"}},
    {"Demo",
     {"demo", "--model", "NEW", "--out", "FILE/out"},
     {"FILE/out: cannot be written: Not a directory"}},
    {"StatesBelowAFile",
     {"states", "--model", "NEW", "--ids", "3", "--out", "FILE/x.safetensors"},
     {"FILE: cannot be written: Not a directory"}},
    {"StatesInPlaceOfAFolder",
     {"states", "--model", "NEW", "--ids", "3", "--out", "MODEL"},
     {"MODEL: cannot be written: Is a directory"}}};
INSTANTIATE_TEST_SUITE_P(Outputs, BadInputTest, testing::ValuesIn(kBadOutputs), InputName);

TEST(DeviceTest, CudaWithoutCudaIsRefused) {
  if (at::hasCUDA()) GTEST_SKIP() << "there is CUDA";
  const Words fact = {"--prompt", "{} is", "--subject", "a", "--corrupt-subject", "b"};
  for (const auto& [words, option] :
       {std::pair<Words, std::string>{{"predict", "--ids", "3", "--device", "cuda"},
                                      "--device cuda"},
        {Words{"trace", "--devices", "all"} + fact, "--devices all"}}) {
    const Outcome outcome = RunProgram(words);
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_THAT(outcome.err, AllOf(StartsWith("error: " + option + ": this build"),
                                   HasSubstr("use --device cpu")));
  }
  const Outcome both = RunProgram(Words{"trace", "--devices", "0", "--device", "cpu"} + fact);
  EXPECT_EQ(both.exit_code, 2);
  EXPECT_THAT(both.err, HasSubstr("--devices chooses GPUs"));
  for (const char* text : {"x", "0,", "0,,1", "-1", "0 1"}) {
    const Outcome outcome = RunProgram(Words{"trace", std::string("--devices=") + text} + fact);
    EXPECT_EQ(outcome.exit_code, 2) << text;
    EXPECT_THAT(outcome.err, HasSubstr("expected all, or numbers of GPUs as 0,1")) << text;
  }
}

}  // namespace
}  // namespace mambascope
