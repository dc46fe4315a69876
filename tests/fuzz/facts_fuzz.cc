// Files of facts: relations, CounterFact and similar records, zsRE, attribute snippets. Each reader
// reads the input with faults reported, and with faults thrown.
#include "mambascope/data/attribute_snippets.h"
#include "mambascope/data/counterfact.h"
#include "mambascope/data/relation.h"
#include "mambascope/data/zsre.h"
#include "tests/fuzz/fuzz.h"

FUZZ(Facts) {
  using namespace mambascope;
  const std::filesystem::path file = InputFile(input, "facts.json");
  ReadFaults found;
  for (ReadFaults* faults : {static_cast<ReadFaults*>(nullptr), &found}) {
    ReadOrRefuse([&] { ReadRelation(file, faults); });
    ReadOrRefuse([&] { ReadCounterFact(file, {}, faults); });
    ReadOrRefuse([&] { ReadCounterFact(file, {.truth = true, .edit = false}, faults); });
    ReadOrRefuse([&] { ReadZsre(file, faults); });
  }
  ReadAttributeSnippets(file);
}
