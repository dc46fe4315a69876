// A config.json of any family.
#include "mambascope/model/family.h"
#include "tests/fuzz/fuzz.h"

FUZZ(Config) {
  using namespace mambascope;
  ParseConfig(ParseJson(input, "config.json"), "config.json");
}
