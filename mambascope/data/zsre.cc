#include "mambascope/data/zsre.h"

#include <fmt/format.h>

#include "mambascope/checkpoint/json.h"
#include "mambascope/data/prompt.h"
#include "mambascope/data/text_fields.h"
#include "mambascope/tokenizer/json_node.h"

namespace mambascope {
namespace {

ZsreRecord ReadRecord(const JsonNode& record) {
  const std::string question = ReadText(record["src"]), subject = ReadText(record["subject"]);
  if (question.find(subject) == question.npos)
    record["subject"].Fail(fmt::format("is '{}', which is not in '{}'", subject, question));
  const std::vector<std::string> answers = ReadTexts(record["answers"]);
  if (answers.empty()) record["answers"].Fail("is an empty list, at least one text was expected");
  return {.pattern = PromptPattern(question, subject),
          .subject = subject,
          .rephrase = ReadText(record["rephrase"]),
          .answers = answers,
          .alt = record.String("alt", ""),
          .loc = ReadText(record["loc"]),
          .loc_ans = ReadText(record["loc_ans"])};
}

}  // namespace

std::vector<ZsreRecord> ReadZsre(const std::filesystem::path& file) {
  const Json document = ReadJson(file);
  const JsonNode root(document, file.string());
  std::vector<ZsreRecord> records;
  for (const JsonNode& record : root.Elements()) records.push_back(ReadRecord(record));
  if (records.empty()) root.Fail("holds no records");
  return records;
}

}  // namespace mambascope
