// A relation has pairs of a subject and its object, and templates that ask for the object. It is
// read from the file format of the RELATIONS dataset (Hernandez et al., "Linearity of Relation
// Decoding in Transformer Language Models", 2023).
#pragma once

#include <compare>
#include <filesystem>
#include <string>
#include <vector>

#include "mambascope/data/read_faults.h"
#include "mambascope/tokenizer/json_node.h"

namespace mambascope {

struct Sample {
  std::string subject;
  std::string object;
  auto operator<=>(const Sample&) const = default;
};

struct RelationProperties {
  std::string relation_type;  // such as factual
  std::string domain_name;    // what the subjects are
  std::string range_name;     // what the objects are
  bool symmetric = false;     // whether (object, subject) holds too
};

// Texts are verbatim, including white space at their ends, as in the public implementation.
struct Relation {
  std::string name;
  // One or more templates. Each has exactly one {}, which stands for the subject. Published results
  // use the first template.
  std::vector<std::string> prompt_templates;
  // Templates for prompts without demonstrations (zero-shot). May be empty.
  std::vector<std::string> prompt_templates_zs;
  RelationProperties properties;
  // One or more samples. The order and the repetitions of the file are kept, because published
  // splits depend on both.
  std::vector<Sample> samples;
};

// Returns the relation's range: the objects of its samples without repetitions, in order of first
// occurrence.
std::vector<std::string> RelationRange(const Relation& relation);

// Convert samples to and from JSON: [{"subject", "object"}, ..]. ReadSamples throws Error for a bad
// sample.
Json SamplesJson(const std::vector<Sample>& samples);
std::vector<Sample> ReadSamples(const JsonNode& list);

// Reads {"name", "prompt_templates", "prompt_templates_zs", "properties": {"relation_type",
// "domain_name", "range_name", "symmetric"}, "samples": [{"subject", "object"}]}. Only the name,
// one template and one sample are required. A single template may be a string instead of a list.
//
// A bad sample is left out and reported in faults->left_out. A bad optional field is ignored and
// reported in faults->ignored. Without `faults`, both throw Error. Throws Error, which names the
// file and the field, for a template that does not have exactly one {}, for an unknown top-level
// field, for a file of another form, and when no sample can be used.
Relation ReadRelation(const std::filesystem::path& file, ReadFaults* faults = nullptr);

// Returns the *.json files of a folder and its subfolders, sorted by path. Links to folders are not
// followed. Throws Error for a folder without such files, and for one that cannot be read.
std::vector<std::filesystem::path> JsonFiles(const std::filesystem::path& folder);

// Reads the relations in `paths`. A file is one relation, and a folder stands for its JsonFiles.
// Throws Error for a path that cannot be read, and as ReadRelation and JsonFiles do.
std::vector<Relation> ReadRelations(const std::vector<std::filesystem::path>& paths,
                                    ReadFaults* faults = nullptr);

}  // namespace mambascope
