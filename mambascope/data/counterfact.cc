#include "mambascope/data/counterfact.h"

#include <fmt/format.h>

#include <algorithm>

#include "mambascope/checkpoint/json.h"
#include "mambascope/data/prompt.h"
#include "mambascope/data/text_fields.h"
#include "mambascope/data/words.h"
#include "mambascope/tokenizer/json_node.h"

namespace mambascope {
namespace {

CounterFactRecord ReadOriginal(const JsonNode& record) {
  const JsonNode rewrite = record["requested_rewrite"];
  const JsonNode target_new = rewrite["target_new"], target_true = rewrite["target_true"];
  return {.case_id = record["case_id"].Index(),
          .relation = ReadText(rewrite["relation_id"]),
          .pattern = ReadPattern(rewrite["prompt"]),
          .subject = ReadText(rewrite["subject"]),
          .target_new = ReadText(target_new["str"]),
          .target_true = ReadText(target_true["str"]),
          .target_new_id = target_new.String("id", ""),
          .target_true_id = target_true.String("id", ""),
          .paraphrase_prompts = ReadTexts(record["paraphrase_prompts"]),
          .neighborhood_prompts = ReadTexts(record["neighborhood_prompts"]),
          .attribute_prompts = ReadTexts(record["attribute_prompts"]),
          .generation_prompts = ReadTexts(record["generation_prompts"])};
}

// How the prompt spells the subject: as the record does, or in other ASCII case. The prompt stays
// as it is, so the subject gives way.
std::string SpellingIn(const std::string& prompt, const std::string& subject,
                       const JsonNode& field) {
  if (prompt.find(subject) != prompt.npos) return subject;
  const auto at = std::find_end(prompt.begin(), prompt.end(), subject.begin(), subject.end(),
                                [](char a, char b) { return AsciiLower(a) == AsciiLower(b); });
  if (at == prompt.end())
    field.Fail(fmt::format("is '{}', which is not in the prompt '{}'", subject, prompt));
  return {at, at + static_cast<std::ptrdiff_t>(subject.size())};
}

// Sets the pattern and the subject.
void SplitPrompt(const JsonNode& record, CounterFactRecord& out) {
  const std::string prompt = ReadText(record["prompt"]);
  out.subject = ReadText(record["subject"]);
  if (prompt.find("{}") != prompt.npos) {
    out.pattern = ReadPattern(record["prompt"]);
  } else {
    out.subject = SpellingIn(prompt, out.subject, record["subject"]);
    out.pattern = PromptPattern(prompt, out.subject);
  }
}

// CounterFact's neighbors share target_true, and their success is measured by it.
void CheckLocality(const JsonNode& record, const std::vector<std::string>& ground_truth) {
  if (!record.Has("locality_ground_truth")) return;
  const JsonNode field = record["locality_ground_truth"];
  for (const std::string& truth : ReadTextOrTexts(field)) {
    if (std::find(ground_truth.begin(), ground_truth.end(), truth) == ground_truth.end()) {
      field.Fail(fmt::format("holds '{}', which 'ground_truth' does not", truth),
                 "in CounterFact, the locality prompt asks for the object of the same relation "
                 "that 'ground_truth' names");
    }
  }
}

CounterFactRecord ReadEasyEdit(const JsonNode& record, int64_t place) {
  const auto texts = [&](const char* key) {
    return record.Has(key) ? ReadTextOrTexts(record[key]) : std::vector<std::string>();
  };
  const std::vector<std::string> ground_truth = ReadTextOrTexts(record["ground_truth"]);
  CheckLocality(record, ground_truth);
  CounterFactRecord out;
  SplitPrompt(record, out);
  out.case_id = record.Has("case_id") ? record["case_id"].Index() : place;
  out.target_new = ReadText(record["target_new"]);
  out.target_true = ground_truth.front();
  out.paraphrase_prompts = texts("rephrase_prompt");
  out.neighborhood_prompts = texts("locality_prompt");
  return out;
}

CounterFactRecord ReadRecord(const JsonNode& record, int64_t place) {
  if (record.Has("requested_rewrite")) return ReadOriginal(record);
  if (record.Has("prompt")) return ReadEasyEdit(record, place);
  record.Fail("is no record of CounterFact",
              "it needs the field 'requested_rewrite', or 'prompt' in EasyEdit's form");
}

}  // namespace

std::vector<CounterFactRecord> ReadCounterFact(const std::filesystem::path& file) {
  const Json document = ReadJson(file);
  const JsonNode root(document, file.string());
  std::vector<CounterFactRecord> records;
  for (const JsonNode& record : root.Elements())
    records.push_back(ReadRecord(record, static_cast<int64_t>(records.size())));
  if (records.empty()) root.Fail("holds no records");
  return records;
}

}  // namespace mambascope
