#include "mambascope/data/relation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

#include "mambascope/data/record_form.h"
#include "mambascope/data/text_fields.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> ReadTemplates(const JsonNode& field) {
  if (field.json().is_string()) return {ReadPattern(field)};
  std::vector<std::string> templates;
  for (const JsonNode& element : field.Elements()) templates.push_back(ReadPattern(element));
  return templates;
}

Sample ReadSample(const JsonNode& node) {
  return {.subject = ReadText(node["subject"]), .object = ReadText(node["object"])};
}

// Other fields are ignored. The public implementation's own copies of the files add fields that
// follow from the samples.
RelationProperties ReadProperties(const JsonNode& field) {
  if (!field.IsObject()) field.Fail("is not an object of properties");
  return {.relation_type = field.String("relation_type", ""),
          .domain_name = field.String("domain_name", ""),
          .range_name = field.String("range_name", ""),
          .symmetric = field.Flag("symmetric", false)};
}

// Reads the optional fields of a relation.
void ReadOptionalFields(const JsonNode& root, ReadFaults* faults, Relation& relation) {
  std::vector<std::string>* ignored = faults ? &faults->ignored : nullptr;
  if (root.Has("properties"))
    TryRead(ignored, [&] { relation.properties = ReadProperties(root["properties"]); });
  if (root.Has("prompt_templates_zs"))
    TryRead(ignored,
            [&] { relation.prompt_templates_zs = ReadTemplates(root["prompt_templates_zs"]); });
}

// Refuses unknown fields. Without this check a misspelt optional field would be ignored silently.
// The public loader refuses unknown fields too, so every file made for it passes. The loader also
// allows "domain" and "range", but no public file has them. They are not read, because they follow
// from the samples.
void RefuseOtherFields(const JsonNode& root) {
  constexpr std::array kFields = {"name",       "prompt_templates", "prompt_templates_zs",
                                  "properties", "samples",          "domain",
                                  "range"};
  for (const auto& [key, value] : root.json().items()) {
    if (std::find(kFields.begin(), kFields.end(), key) == kFields.end()) {
      root.Fail(fmt::format("has the unknown field '{}'", key),
                fmt::format("known fields: {}", fmt::join(kFields, ", ")));
    }
  }
}

}  // namespace

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
                "name the folder that holds the relations");
  std::sort(files.begin(), files.end());
  return files;
}

Json SamplesJson(const std::vector<Sample>& samples) {
  Json list = Json::array();
  for (const Sample& sample : samples)
    list.push_back({{"subject", sample.subject}, {"object", sample.object}});
  return list;
}

std::vector<Sample> ReadSamples(const JsonNode& list) {
  std::vector<Sample> samples;
  for (const JsonNode& element : list.Elements()) samples.push_back(ReadSample(element));
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

Relation ReadRelation(const fs::path& file, ReadFaults* faults) {
  const Json document = ReadJson(file);
  const JsonNode root(document, file.string());
  const JsonNode first = root.json().is_array() && !root.json().empty() ? root.Elements()[0] : root;
  const RecordForm form = FormOf(first);
  if (form != RecordForm::kRelations && form != RecordForm::kUnknown)
    root.Fail(fmt::format("looks like {}", DescribeForm(form)));
  Relation relation;
  relation.name = ReadText(root["name"]);
  relation.prompt_templates = ReadTemplates(root["prompt_templates"]);
  if (relation.prompt_templates.empty())
    root["prompt_templates"].Fail("is an empty list; expected at least one template");
  const JsonNode samples = root["samples"];
  if (samples.json().is_array() && samples.json().empty())
    samples.Fail("is an empty list; expected at least one sample");
  relation.samples =
      ReadEach<Sample>(samples, samples.Elements(), faults,
                       [](const JsonNode& node, size_t) { return ReadSample(node); });
  ReadOptionalFields(root, faults, relation);
  RefuseOtherFields(root);
  return relation;
}

std::vector<Relation> ReadRelations(const std::vector<fs::path>& paths, ReadFaults* faults) {
  std::vector<Relation> relations;
  for (const fs::path& path : paths) {
    std::error_code unreadable;  // ignored, because reading the path reports it
    const std::vector<fs::path> files =
        fs::is_directory(path, unreadable) ? JsonFiles(path) : std::vector{path};
    for (const fs::path& file : files) relations.push_back(ReadRelation(file, faults));
  }
  return relations;
}

}  // namespace mambascope
