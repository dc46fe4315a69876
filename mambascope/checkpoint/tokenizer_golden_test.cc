// Every id, spelling, character offset and decoded text against Hugging Face's tokenizers.
#include <gtest/gtest.h>

#include <filesystem>

#include "mambascope/checkpoint/json.h"
#include "mambascope/checkpoint/test_support.h"
#include "mambascope/checkpoint/tokenizer.h"

namespace mambascope {
namespace {

void ExpectGolden(const std::string& which, const std::filesystem::path& file) {
  const Json cases = ReadJson(GoldenFolder() / "tokens-demo-and-neox.json")[which];
  ASSERT_GE(cases.size(), 40U);
  const Tokenizer tokenizer = Tokenizer::Load(file);
  for (const Json& c : cases) {
    std::vector<int64_t> ids;
    Json got = {{"ids", Json::array()}, {"tokens", Json::array()}, {"offsets", Json::array()}};
    for (const Token& token : tokenizer.Encode(c["text"].get<std::string>())) {
      ids.push_back(token.id);
      got["ids"].push_back(token.id);
      got["tokens"].push_back(token.text);
      got["offsets"].push_back({token.chars.begin, token.chars.end});
    }
    for (const char* key : {"ids", "tokens", "offsets"}) EXPECT_EQ(got[key], c[key]) << key << " of " << c["text"];
    EXPECT_EQ(tokenizer.Decode(ids), c["decoded"].get<std::string>());
  }
}

TEST(TokenizerGoldenTest, DemoTokenizer) { ExpectGolden("demo", RepositoryFolder() / "models/demo-mamba/tokenizer.json"); }

TEST(TokenizerGoldenTest, GptNeoxTokenizer) {
  const std::filesystem::path file = RepositoryFolder() / "../shared/data/gpt-neox-20b-tokenizer.json";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "the GPT-NeoX tokenizer is not here";
  ExpectGolden("gpt-neox", file);
}

}  // namespace
}  // namespace mambascope
