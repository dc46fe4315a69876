// The options of every command as documentation: tables for docs/cli.md and docs/cli/, and JSON.
#pragma once

#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"

namespace mambascope {

// A page, and the tables of options that it holds between two markers.
struct OptionPage {
  std::string file;  // in the folder docs, as "cli/trace.md"
  std::string tables;
};

// cli.md holds the options that every command has, cli/COMMAND.md the command's own.
std::vector<OptionPage> OptionPages();

// Returns the page's text with its tables in place of those that `text` has between the markers.
// Throws Error where `text` lacks a marker.
std::string ReplaceTables(const std::string& text, const OptionPage& page);

// {common: [option, ..], commands: [{name, does, example, options: [option, ..]}, ..]}, where
// an option is {names, topic, help, type, default, otherwise, required} and, where it has them,
// {list, least, most, one_of, excludes, needs}.
Json OptionsJson();

}  // namespace mambascope
