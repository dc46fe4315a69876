#include "mambascope/cli/edit_checks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "mambascope/data/corpus.h"
#include "mambascope/data/prompt.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

// The lines of a .txt file, or the text itself.
std::vector<std::string> PromptTexts(const std::string& given) {
  if (!given.ends_with(".txt")) return {given};
  Corpus lines({given});
  std::vector<std::string> texts;
  while (const std::optional<std::string> line = lines.Next()) texts.push_back(*line);
  if (texts.empty())
    throw Error(fmt::format("{}: holds no prompts", given), "write one prompt per line");
  return texts;
}

// The relation of a rewrite among those that the user gave; null where there is none, which a
// warning says.
const Relation* GivenRelation(const CommonArguments& common, const std::vector<Relation>& relations,
                              const Rewrite& rewrite) {
  if (const Relation* relation = RelationOfPattern(relations, rewrite)) return relation;
  const std::vector<const Relation*> of_subject = RelationsOfSubject(relations, rewrite.subject);
  if (of_subject.size() == 1) return of_subject[0];
  if (of_subject.empty()) {
    Warn(common, fmt::format("no relation of --relations has the prompt '{}' or the subject '{}', "
                             "so the edit is not checked on them",
                             rewrite.pattern, rewrite.subject));
    return nullptr;
  }
  std::vector<std::string> names;
  for (const Relation* relation : of_subject) names.push_back(relation->name);
  Warn(common, fmt::format("several relations have the subject '{}' ({}), and none has the prompt "
                           "'{}'. Give --relations the file of one of them",
                           rewrite.subject, fmt::join(names, ", "), rewrite.pattern));
  return nullptr;
}

}  // namespace

std::vector<CheckPrompt> TakeCheckPrompts(const CommonArguments& common,
                                          const EditCheckArguments& o, const Rewrite& rewrite) {
  std::vector<Relation> relations;
  const Relation* relation = nullptr;
  if (!o.relations.empty()) {
    ReadFaults faults;
    relations = ReadRelations({o.relations.begin(), o.relations.end()}, &faults);
    WarnOfFaults(common, faults);
    relation = GivenRelation(common, relations, rewrite);
  } else if (const auto bundled = FindBundled(kBundledRelations);
             o.prompts.empty() && o.use_bundled && bundled) {
    relations = ReadRelations({*bundled});
    relation = RelationOfPattern(relations, rewrite);
  }
  std::vector<CheckPrompt> prompts;
  if (relation != nullptr) prompts = MakeCheckPrompts(*relation, rewrite, common.Seed());
  for (const std::string& given : o.prompts) {
    for (const std::string& text : PromptTexts(given))
      prompts.push_back(
          {CheckKind::kPrompt, IsPattern(text) ? FillPattern(text, rewrite.subject) : text});
  }
  return prompts;
}

}  // namespace mambascope
