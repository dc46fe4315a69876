// Reference texts about objects: what generated text about a rewritten fact should read like (Meng
// et al. 2022, section 3.4).
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "mambascope/data/relation.h"

namespace mambascope {

struct Snippet {
  std::string name;  // of the subject that the text is about
  std::string text;
};

// (relation, object's id) -> texts about subjects that have this object in this relation.
using AttributeSnippets = std::map<std::pair<std::string, std::string>, std::vector<Snippet>>;

// Reads a list of {"relation_id", "target_id", "samples": [{"name", "text"}]}, as
// attribute_snippets.json is. Fields of other names are ignored; of entries with the same ids, the
// samples are joined. Throws Error, which names the file, the entry and the field, for one that is
// missing, empty or of another type, and for a list without entries.
AttributeSnippets ReadAttributeSnippets(const std::filesystem::path& file);

// Where there is no such file: each fact of `relations` said in every template, such as "The
// capital of France is Paris.". Objects are their own ids, as in data/demo/counterfact.json.
AttributeSnippets CollectSnippets(const std::vector<Relation>& relations);

// Every text.
std::vector<std::string> SnippetTexts(const AttributeSnippets& snippets);

}  // namespace mambascope
