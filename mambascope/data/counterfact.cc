#include "mambascope/data/counterfact.h"

#include <fmt/format.h>

#include <algorithm>

#include "mambascope/data/prompt.h"
#include "mambascope/data/record_form.h"
#include "mambascope/data/text_fields.h"
#include "mambascope/data/words.h"
#include "mambascope/tokenizer/json_node.h"
#include "mambascope/tokenizer/utf8.h"

namespace mambascope {
namespace {

// Reads a target and removes white space around it.
std::string ReadTarget(const JsonNode& field) {
  std::string text = StripWhiteSpace(ReadText(field));
  if (text.empty()) field.Fail("is blank");
  return text;
}

// Reads a true answer. The field is a text or a list. Each element of a list is an answer or a list
// of its spellings. The first text in the list is the answer.
std::string ReadTruth(const JsonNode& field) {
  if (!field.json().is_array()) return ReadTarget(field);
  const std::vector<JsonNode> answers = field.Elements();
  if (answers.empty()) field.Fail("is an empty list; expected at least one text");
  return ReadTruth(answers.front());
}

// Calls `read` for a field if the record has it. A fault goes to faults->ignored, and the record is
// kept.
void ReadOptional(const JsonNode& record, const std::string& key, ReadFaults* faults,
                  const std::function<void(const JsonNode&)>& read) {
  if (!record.IsObject() || !record.json().contains(key)) return;
  const JsonNode field = record[key];
  if (field.IsNull() && faults == nullptr) return;
  TryRead(faults ? &faults->ignored : nullptr, [&] {
    if (field.IsNull()) field.Fail("is null");
    read(field);
  });
}

// Reads the true answer in `field` of `record`. Without `use.truth` it may be missing or bad.
void ReadTrueAnswer(const JsonNode& record, const std::string& key, const RecordUse& use,
                    ReadFaults* faults, std::string& answer) {
  if (!use.truth)
    return ReadOptional(record, key, faults,
                        [&](const JsonNode& field) { answer = ReadTruth(field); });
  if (!record.Has(key))
    record.Fail(fmt::format("lacks the true answer '{}'", key),
                "trace, paths and edit need none with --all-facts; knockout always needs one");
  answer = ReadTruth(record[key]);
}

void ReadCaseId(const JsonNode& record, int64_t place, ReadFaults* faults, CounterFactRecord& out) {
  out.case_id = place;
  ReadOptional(record, "case_id", faults,
               [&](const JsonNode& field) { out.case_id = field.Index(); });
}

CounterFactRecord ReadOriginal(const JsonNode& record, const RecordUse& use, ReadFaults* faults,
                               int64_t place) {
  const JsonNode rewrite = record["requested_rewrite"];
  CounterFactRecord out{.relation = rewrite.String("relation_id", ""),
                        .pattern = ReadPattern(rewrite["prompt"]),
                        .subject = ReadText(rewrite["subject"])};
  const auto read_target = [&](const std::string& key, std::string& text, std::string& id) {
    const JsonNode target = rewrite[key];
    text = ReadTarget(target["str"]);
    id = target.String("id", "");
  };
  if (use.truth) read_target("target_true", out.target_true, out.target_true_id);
  else
    ReadOptional(rewrite, "target_true", faults, [&](const JsonNode&) {
      read_target("target_true", out.target_true, out.target_true_id);
    });
  if (!use.edit) return out;
  ReadCaseId(record, place, faults, out);
  read_target("target_new", out.target_new, out.target_new_id);
  const auto read_prompts = [&](const std::string& key, std::vector<std::string>& prompts) {
    ReadOptional(record, key, faults, [&](const JsonNode& field) { prompts = ReadTexts(field); });
  };
  read_prompts("paraphrase_prompts", out.paraphrase_prompts);
  if (!out.target_true.empty()) read_prompts("neighborhood_prompts", out.neighborhood_prompts);
  read_prompts("attribute_prompts", out.attribute_prompts);
  read_prompts("generation_prompts", out.generation_prompts);
  return out;
}

// Returns the subject as the prompt spells it: exactly, or else in other ASCII case.
std::string SpellingIn(const std::string& prompt, const std::string& subject,
                       const JsonNode& field) {
  if (prompt.find(subject) != prompt.npos) return subject;
  const auto at = std::find_end(prompt.begin(), prompt.end(), subject.begin(), subject.end(),
                                [](char a, char b) { return AsciiLower(a) == AsciiLower(b); });
  if (at == prompt.end())
    field.Fail(fmt::format("is '{}', which is not in the prompt '{}'", subject, prompt));
  return {at, at + static_cast<std::ptrdiff_t>(subject.size())};
}

// Sets the pattern and the subject of `out`. The prompt is a pattern, or contains the subject.
void SplitPrompt(const JsonNode& record, const std::string& key, CounterFactRecord& out) {
  const std::string prompt = ReadText(record[key]);
  out.subject = ReadText(record["subject"]);
  if (prompt.find("{}") != prompt.npos) {
    out.pattern = ReadPattern(record[key]);
  } else {
    out.subject = SpellingIn(prompt, out.subject, record["subject"]);
    out.pattern = PromptPattern(prompt, out.subject);
  }
}

CounterFactRecord ReadTracing(const JsonNode& record, const RecordUse& use, ReadFaults* faults,
                              int64_t place) {
  CounterFactRecord out{.case_id = place, .relation = record.String("relation_id", "")};
  SplitPrompt(record, record.Has("relation") ? "relation" : "prompt", out);
  ReadTrueAnswer(record, "target_true", use, faults, out.target_true);
  if (!use.edit) return out;
  out.target_new = ReadTarget(record["target_false"]);
  out.target_new_id = record.String("target_false_id", "");
  out.target_true_id = record.String("target_true_id", "");
  return out;
}

CounterFactRecord ReadKnownFact(const JsonNode& record, const RecordUse& use, ReadFaults* faults,
                                int64_t place) {
  if (use.edit)
    record.Fail("is one of ROME's known facts, which have no new object to write",
                "use them with trace, paths or knockout");
  CounterFactRecord out{.case_id = place, .relation = record.String("relation_id", "")};
  SplitPrompt(record, record.Has("template") ? "template" : "prompt", out);
  ReadTrueAnswer(record, "attribute", use, faults, out.target_true);
  return out;
}

CounterFactRecord ReadZsreFact(const JsonNode& record, const RecordUse& use, ReadFaults* faults,
                               int64_t place) {
  CounterFactRecord out{.case_id = place};
  SplitPrompt(record, "src", out);
  ReadTrueAnswer(record, "answers", use, faults, out.target_true);
  return out;
}

// Reads EasyEdit's locality prompts. They are about other subjects, and ask for the same object as
// in ground_truth.
void ReadFlatLocality(const JsonNode& record, ReadFaults* faults, CounterFactRecord& out) {
  ReadOptional(record, "locality_prompt", faults, [&](const JsonNode& prompts) {
    if (out.target_true.empty()) prompts.Fail("has no true answer: 'ground_truth' is missing");
    if (record.Has("locality_ground_truth")) {
      const std::vector<std::string> known = ReadTextOrTexts(record["ground_truth"]);
      const JsonNode truths = record["locality_ground_truth"];
      for (const std::string& truth : ReadTextOrTexts(truths)) {
        if (std::find(known.begin(), known.end(), truth) == known.end())
          truths.Fail(fmt::format("holds '{}', which is not in 'ground_truth'", truth),
                      "a locality prompt must ask for the object in 'ground_truth'");
      }
    }
    out.neighborhood_prompts = ReadTextOrTexts(prompts);
  });
}

// Reads KnowEdit's locality prompts:
//   {"Relation_Specificity": [{"prompt", "ground_truth"}, ..], ..}
void ReadNestedLocality(const JsonNode& record, ReadFaults* faults, CounterFactRecord& out) {
  ReadOptional(record, "locality", faults, [&](const JsonNode& locality) {
    if (!locality.IsObject()) locality.Fail("is not an object of lists");
    out.neighborhood_truths.assign(out.neighborhood_prompts.size(), out.target_true);
    for (const auto& [kind, items] : locality.json().items()) {
      for (const JsonNode& item : locality[kind].Elements()) {
        TryRead(faults ? &faults->ignored : nullptr, [&] {
          const std::string prompt = ReadText(item["prompt"]);
          out.neighborhood_truths.push_back(ReadTruth(item["ground_truth"]));
          out.neighborhood_prompts.push_back(prompt);
        });
      }
    }
  });
}

CounterFactRecord ReadEasyEdit(const JsonNode& record, const RecordUse& use, ReadFaults* faults,
                               int64_t place) {
  CounterFactRecord out;
  SplitPrompt(record, "prompt", out);
  ReadTrueAnswer(record, "ground_truth", use, faults, out.target_true);
  if (!use.edit) return out;
  ReadCaseId(record, place, faults, out);
  out.target_new = ReadTarget(record["target_new"]);
  ReadOptional(record, "rephrase_prompt", faults,
               [&](const JsonNode& field) { out.paraphrase_prompts = ReadTextOrTexts(field); });
  ReadFlatLocality(record, faults, out);
  ReadNestedLocality(record, faults, out);
  return out;
}

CounterFactRecord ReadRecord(const JsonNode& record, const RecordUse& use, ReadFaults* faults,
                             int64_t place) {
  switch (FormOf(record)) {
    case RecordForm::kCounterFact: return ReadOriginal(record, use, faults, place);
    case RecordForm::kTracing: return ReadTracing(record, use, faults, place);
    case RecordForm::kKnownFacts: return ReadKnownFact(record, use, faults, place);
    case RecordForm::kEasyEdit: return ReadEasyEdit(record, use, faults, place);
    case RecordForm::kZsre: return ReadZsreFact(record, use, faults, place);
    default: break;
  }
  record.Fail("is not a CounterFact record",
              "it needs the field 'requested_rewrite', 'prompt' or 'template' (docs/data.md)");
}

// Refuses a file whose first record has the form of another option, or of none.
void RefuseOtherForms(const JsonNode& root, const std::vector<JsonNode>& records,
                      const RecordUse& use) {
  const RecordForm form = records.empty() ? RecordForm::kUnknown : FormOf(records.front());
  const bool is_other = form == RecordForm::kRelations || form == RecordForm::kWikiBio ||
                        (form == RecordForm::kZsre && use.edit);
  if (is_other) root.Fail(fmt::format("looks like {}", DescribeForm(form)));
}

}  // namespace

std::vector<CounterFactRecord> ReadCounterFact(const std::filesystem::path& file,
                                               const RecordUse& use, ReadFaults* faults) {
  const Json document = ReadRecords(file, faults);
  const JsonNode root(document, file.string());
  const std::vector<JsonNode> nodes =
      root.IsObject() ? std::vector{root} : root.Elements();  // a single record, or a list
  RefuseOtherForms(root, nodes, use);
  return ReadEach<CounterFactRecord>(root, nodes, faults, [&](const JsonNode& node, size_t place) {
    return ReadRecord(node, use, faults, static_cast<int64_t>(place));
  });
}

}  // namespace mambascope
