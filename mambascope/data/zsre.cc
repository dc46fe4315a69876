#include "mambascope/data/zsre.h"

#include <fmt/format.h>

#include "mambascope/data/prompt.h"
#include "mambascope/data/record_form.h"
#include "mambascope/data/text_fields.h"
#include "mambascope/tokenizer/json_node.h"

namespace mambascope {
namespace {

ZsreRecord ReadRecord(const JsonNode& record) {
  const std::string question = ReadText(record["src"]), subject = ReadText(record["subject"]);
  if (question.find(subject) == question.npos)
    record["subject"].Fail(
        fmt::format("is '{}', which is not in the question '{}'", subject, question));
  const std::vector<std::string> answers = ReadTexts(record["answers"]);
  if (answers.empty()) record["answers"].Fail("is an empty list; expected at least one text");
  return {.pattern = PromptPattern(question, subject),
          .subject = subject,
          .rephrase = ReadText(record["rephrase"]),
          .answers = answers,
          .alt = record.Has("alt") ? ReadText(record["alt"]) : "",
          .loc = ReadText(record["loc"]),
          .loc_ans = ReadText(record["loc_ans"])};
}

}  // namespace

std::vector<ZsreRecord> ReadZsre(const std::filesystem::path& file, ReadFaults* faults) {
  const Json document = ReadRecords(file, faults);
  const JsonNode root(document, file.string());
  const std::vector<JsonNode> nodes = root.IsObject() ? std::vector{root} : root.Elements();
  const RecordForm form = nodes.empty() ? RecordForm::kUnknown : FormOf(nodes.front());
  if (form != RecordForm::kZsre && form != RecordForm::kUnknown)
    root.Fail(fmt::format("looks like {}", DescribeForm(form)));
  return ReadEach<ZsreRecord>(root, nodes, faults,
                              [](const JsonNode& node, size_t) { return ReadRecord(node); });
}

}  // namespace mambascope
