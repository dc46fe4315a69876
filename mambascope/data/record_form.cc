#include "mambascope/data/record_form.h"

#include <fmt/format.h>

#include <sstream>

#include "mambascope/checkpoint/file.h"

namespace mambascope {
namespace {

constexpr const char* kBlank = " \t\r\n";

Json ReadLines(const std::string& text, const std::string& file, ReadFaults* faults) {
  Json records = Json::array();
  std::vector<std::string> broken;
  std::istringstream lines(text);
  std::string line;
  for (int64_t number = 1; std::getline(lines, line); ++number) {
    if (line.find_first_not_of(kBlank) == line.npos) continue;
    TryRead(faults ? &broken : nullptr,
            [&] { records.push_back(ParseJson(line, fmt::format("{}, line {}", file, number))); });
  }
  if (records.empty() && !broken.empty()) throw Error(broken.front());
  if (faults) {
    faults->records += static_cast<int64_t>(broken.size());
    faults->left_out.insert(faults->left_out.end(), broken.begin(), broken.end());
  }
  return records;
}

// Returns whether a text holds several JSON objects, each on its own line.
bool HasObjectPerLine(const std::string& text) {
  const size_t end = text.find('\n');
  if (end == text.npos || text.find_first_not_of(kBlank, end) == text.npos) return false;
  const size_t last = text.find_last_not_of(kBlank, end);
  return text.starts_with('{') && last != text.npos && text[last] == '}';
}

}  // namespace

RecordForm FormOf(const JsonNode& node) {
  if (node.Has("prompt_templates") || node.Has("samples")) return RecordForm::kRelations;
  if (node.Has("requested_rewrite")) return RecordForm::kCounterFact;
  if (node.Has("target_false")) return RecordForm::kTracing;
  if (node.Has("attribute")) return RecordForm::kKnownFacts;
  if (node.Has("src")) return RecordForm::kZsre;
  if (node.Has("concept") && node.Has("text")) return RecordForm::kWikiBio;
  if (node.Has("prompt")) return RecordForm::kEasyEdit;
  return RecordForm::kUnknown;
}

const char* DescribeForm(RecordForm form) {
  switch (form) {
    case RecordForm::kRelations:
      return "RELATIONS: use --relations of trace, paths, knockout or lre";
    case RecordForm::kCounterFact:
      return "CounterFact: use --counterfact of trace, paths, knockout or edit";
    case RecordForm::kTracing:
      return "CounterFact for tracing: use --counterfact of trace, paths, knockout or edit";
    case RecordForm::kKnownFacts:
      return "ROME's known facts: use --counterfact of trace, paths or knockout";
    case RecordForm::kEasyEdit:
      return "EasyEdit or KnowEdit: use --counterfact of trace, paths, knockout or edit";
    case RecordForm::kZsre:
      return "MEND's zsRE: edit takes it by --zsre, other commands by --counterfact";
    case RecordForm::kWikiBio: return "KnowEdit's WikiBio, which holds texts and no facts to edit";
    case RecordForm::kUnknown: break;
  }
  return "unknown";
}

Json ReadRecords(const std::filesystem::path& file, ReadFaults* faults) {
  const std::string text = ReadFile(file);
  if (file.extension() == ".jsonl" || HasObjectPerLine(text))
    return ReadLines(text, file.string(), faults);
  return ParseJson(text, file.string());
}

}  // namespace mambascope
