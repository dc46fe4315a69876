// A text, for tokenizers of both kinds.
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/use_tokenizer.h"

FUZZ(Encode) {
  using namespace mambascope;
  static const std::filesystem::path root = MAMBASCOPE_ROOT;
  static const Tokenizer tokenizers[] = {
      Tokenizer::Load(root / "models/demo-mamba"),
      Tokenizer::Load(root / "tests/golden/tokenizer-sentencepiece.json")};
  for (const Tokenizer& tokenizer : tokenizers)
    ReadOrRefuse([&] { UseTokenizer(tokenizer, input); });
}
