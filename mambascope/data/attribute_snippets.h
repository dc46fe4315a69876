// Reference texts about objects. Text that an edited model generates is compared with the texts
// about the new object (Meng et al. 2022, section 3.4).
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "mambascope/data/relation.h"

namespace mambascope {

struct Snippet {
  std::string name;  // the subject that the text is about
  std::string text;
};

// Maps (relation, object's id) to the texts about subjects that have this object in this relation.
using AttributeSnippets = std::map<std::pair<std::string, std::string>, std::vector<Snippet>>;

// Reads the form of attribute_snippets.json, a list of
//   {"relation_id", "target_id", "samples": [{"name", "text"}]}.
// Other fields are ignored. Entries with the same two ids are joined. Throws Error when a field is
// missing, empty or of another type; the error names the file, the entry and the field. Throws
// Error for a list without entries.
AttributeSnippets ReadAttributeSnippets(const std::filesystem::path& file);

// Makes the snippets from `relations` when there is no such file. Each fact gives one text per
// template, such as "The capital of France is Paris.". An object's id is the object itself, as in
// data/demo/counterfact.json.
AttributeSnippets CollectSnippets(const std::vector<Relation>& relations);

// Returns the texts of all snippets.
std::vector<std::string> SnippetTexts(const AttributeSnippets& snippets);

}  // namespace mambascope
