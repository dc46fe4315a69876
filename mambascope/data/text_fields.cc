#include "mambascope/data/text_fields.h"

#include <fmt/format.h>

#include "mambascope/data/prompt.h"

namespace mambascope {

const std::string& ReadText(const JsonNode& field) {
  const std::string& text = field.String();
  if (text.empty()) field.Fail("is empty");
  return text;
}

const std::string& ReadPattern(const JsonNode& field) {
  const std::string& text = ReadText(field);
  if (!IsPattern(text)) {
    field.Fail(fmt::format("is '{}', but must have exactly one {{}}", text),
               "{} stands for the subject, as in '{} is located in'");
  }
  return text;
}

std::vector<std::string> ReadTexts(const JsonNode& field) {
  std::vector<std::string> texts;
  for (const JsonNode& element : field.Elements()) texts.push_back(ReadText(element));
  return texts;
}

std::vector<std::string> ReadTextOrTexts(const JsonNode& field) {
  if (!field.json().is_array()) return {ReadText(field)};
  std::vector<std::string> texts = ReadTexts(field);
  if (texts.empty()) field.Fail("is an empty list; expected at least one text");
  return texts;
}

}  // namespace mambascope
