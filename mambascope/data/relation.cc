#include "mambascope/data/relation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

#include "mambascope/data/text_fields.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> ReadTemplates(const JsonNode& field) {
  std::vector<std::string> templates;
  for (const JsonNode& element : field.Elements()) templates.push_back(ReadPattern(element));
  return templates;
}

// Fields beyond these are left alone: the public implementation's own copies add some that follow
// from the samples.
RelationProperties ReadProperties(const JsonNode& field) {
  return {.relation_type = field["relation_type"].String(),
          .domain_name = field["domain_name"].String(),
          .range_name = field["range_name"].String(),
          .symmetric = field.Flag("symmetric", false)};
}

// The public loader refuses other fields as well, so every file made for it passes; here it catches
// the misspelt optional field, which would be missed in silence. "domain" and "range" are those
// that the loader allows and no file has: the samples say both.
void RefuseOtherFields(const JsonNode& root) {
  constexpr std::array kFields = {"name",       "prompt_templates", "prompt_templates_zs",
                                  "properties", "samples",          "domain",
                                  "range"};
  for (const auto& [key, value] : root.json().items()) {
    if (std::find(kFields.begin(), kFields.end(), key) == kFields.end()) {
      root.Fail(fmt::format("has the unknown field '{}'", key),
                fmt::format("known: {}", fmt::join(kFields, ", ")));
    }
  }
}

std::vector<fs::path> JsonFiles(const fs::path& folder) {
  std::vector<fs::path> files;
  try {
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.path().extension() == ".json" && !entry.is_directory())
        files.push_back(entry.path());
    }
  } catch (const fs::filesystem_error& e) {
    throw Error(fmt::format("{}: cannot be read: {}",
                            e.path1().empty() ? folder.string() : e.path1().string(),
                            e.code().message()));
  }
  if (files.empty())
    throw Error(fmt::format("{}: the folder holds no .json file", folder.string()),
                "give the folder of the relations");
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

Json SamplesJson(const std::vector<Sample>& samples) {
  Json list = Json::array();
  for (const Sample& sample : samples)
    list.push_back({{"subject", sample.subject}, {"object", sample.object}});
  return list;
}

std::vector<Sample> ReadSamples(const JsonNode& list) {
  std::vector<Sample> samples;
  for (const JsonNode& element : list.Elements())
    samples.push_back(
        {.subject = ReadText(element["subject"]), .object = ReadText(element["object"])});
  return samples;
}

std::vector<std::string> RelationRange(const Relation& relation) {
  std::vector<std::string> range;
  std::set<std::string> seen;
  for (const Sample& sample : relation.samples) {
    if (seen.insert(sample.object).second) range.push_back(sample.object);
  }
  return range;
}

Relation ReadRelation(const fs::path& file) {
  const Json document = ReadJson(file);
  const JsonNode root(document, file.string());
  Relation relation{.name = ReadText(root["name"]),
                    .prompt_templates = ReadTemplates(root["prompt_templates"]),
                    .prompt_templates_zs = {},
                    .properties = ReadProperties(root["properties"]),
                    .samples = ReadSamples(root["samples"])};
  if (root.Has("prompt_templates_zs"))
    relation.prompt_templates_zs = ReadTemplates(root["prompt_templates_zs"]);
  if (relation.prompt_templates.empty())
    root["prompt_templates"].Fail("is an empty list, at least one template was expected");
  if (relation.samples.empty())
    root["samples"].Fail("is an empty list, at least one sample was expected");
  RefuseOtherFields(root);
  return relation;
}

std::vector<Relation> ReadRelations(const std::vector<fs::path>& paths) {
  std::vector<Relation> relations;
  for (const fs::path& path : paths) {
    std::error_code unreadable;  // is reported by what reads the path
    const std::vector<fs::path> files =
        fs::is_directory(path, unreadable) ? JsonFiles(path) : std::vector{path};
    std::transform(files.begin(), files.end(), std::back_inserter(relations), ReadRelation);
  }
  return relations;
}

}  // namespace mambascope
