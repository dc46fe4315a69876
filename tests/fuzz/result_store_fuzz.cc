// The lines that an interrupted run left.
#include "mambascope/experiments/tracing/trace_result.h"
#include "mambascope/jobs/result_store.h"
#include "tests/fuzz/fuzz.h"

FUZZ(ResultStore) {
  using namespace mambascope;
  const std::filesystem::path file = InputFile(input, "facts.jsonl");
  ResultStore store(file, Json::object());
  store.Read<FactTrace>("a");
  store.Append("b", Json::object());
}
