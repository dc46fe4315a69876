#include "mambascope/data/attribute_snippets.h"

#include "mambascope/checkpoint/json.h"
#include "mambascope/data/prompt.h"
#include "mambascope/data/text_fields.h"
#include "mambascope/tokenizer/json_node.h"

namespace mambascope {

AttributeSnippets ReadAttributeSnippets(const std::filesystem::path& file) {
  const Json document = ReadJson(file);
  const JsonNode root(document, file.string());
  AttributeSnippets snippets;
  for (const JsonNode& entry : root.Elements()) {
    std::vector<Snippet>& texts =
        snippets[{ReadText(entry["relation_id"]), ReadText(entry["target_id"])}];
    for (const JsonNode& sample : entry["samples"].Elements())
      texts.push_back({ReadText(sample["name"]), ReadText(sample["text"])});
  }
  if (snippets.empty()) root.Fail("holds no snippets");
  return snippets;
}

AttributeSnippets CollectSnippets(const std::vector<Relation>& relations) {
  AttributeSnippets snippets;
  for (const Relation& relation : relations) {
    for (const Sample& sample : relation.samples) {
      for (const std::string& pattern : relation.prompt_templates)
        snippets[{relation.name, sample.object}].push_back(
            {sample.subject, FillPattern(pattern, sample.subject) + " " + sample.object + "."});
    }
  }
  return snippets;
}

std::vector<std::string> SnippetTexts(const AttributeSnippets& snippets) {
  std::vector<std::string> texts;
  for (const auto& [ids, samples] : snippets) {
    for (const Snippet& snippet : samples) texts.push_back(snippet.text);
  }
  return texts;
}

}  // namespace mambascope
