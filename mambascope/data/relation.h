// Relations: pairs of a subject and its object, and templates that ask for the object. Files of the
// RELATIONS dataset (Hernandez et al., "Linearity of Relation Decoding in Transformer Language
// Models", 2023).
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

// Texts are verbatim, white space at their ends too: the public implementation asks with them as
// they stand.
struct Relation {
  std::string name;
  std::vector<std::string> prompt_templates;  // one or more, each with exactly one {}, for the
                                              // subject; published results use the first
  std::vector<std::string>
      prompt_templates_zs;  // the same, for prompts without demonstrations; may be empty
  RelationProperties properties;
  // One or more, in the order of the file, repetitions included: published splits draw from them as
  // they stand.
  std::vector<Sample> samples;
};

// The relation's range: the objects of its samples without repetitions, in order of first
// occurrence.
std::vector<std::string> RelationRange(const Relation& relation);

// [{subject, object}, ..], written and read. ReadSamples throws Error for a bad sample.
Json SamplesJson(const std::vector<Sample>& samples);
std::vector<Sample> ReadSamples(const JsonNode& list);

// Reads {"name", "prompt_templates", "prompt_templates_zs", "properties": {"relation_type",
// "domain_name", "range_name", "symmetric"}, "samples": [{"subject", "object"}]}. The name, one
// template and one sample are enough; a template alone may stand without its list.
//
// A bad sample is left out and named in `faults`; so is a bad optional field. Without `faults`,
// either throws. Throws Error, which names the file and the field, for a template without exactly
// one {}, a top-level field of another name, a file of another form, and when no sample can be
// used.
Relation ReadRelation(const std::filesystem::path& file, ReadFaults* faults = nullptr);

// Reads the relations in `paths`. A file is one relation. A folder is its files *.json and those of
// the folders inside (without links to folders), in the order of their paths. Throws Error for a
// folder that holds none, for a path that cannot be read, and as ReadRelation does.
std::vector<Relation> ReadRelations(const std::vector<std::filesystem::path>& paths,
                                    ReadFaults* faults = nullptr);

}  // namespace mambascope
