// A tokenizer.json, and what its tokenizer does with texts.
#include "mambascope/tokenizer/tokenizer.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/use_tokenizer.h"

FUZZ(Tokenizer) {
  using namespace mambascope;
  const Tokenizer tokenizer = Tokenizer::Load(InputFile(input, "tokenizer.json"));
  for (const char* text :
       {"", " ab  a", "a\u0301\u00e9 <s>12, \u2581b\n\n", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaab"})
    ReadOrRefuse([&] { UseTokenizer(tokenizer, text); });
  ReadOrRefuse([&] { tokenizer.BeginOfText(); });
}
