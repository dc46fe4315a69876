// The texts of a corpus, as lines and as JSON Lines.
#include "mambascope/data/corpus.h"
#include "tests/fuzz/fuzz.h"

FUZZ(Corpus) {
  using namespace mambascope;
  for (const char* name : {"corpus.txt", "corpus.jsonl"})
    ReadOrRefuse([&] { SummarizeCorpus({InputFile(input, name)}); });
}
