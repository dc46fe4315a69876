// What comes with the program: models, and a text for statistics.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace mambascope {

// The folder that --model means: one of the bundled models, or the path itself. Throws Error for a
// folder that is not there.
std::filesystem::path ModelFolder(const std::string& name);

// The files of text for statistics: those given, or else the bundled one.
std::vector<std::filesystem::path> TextFiles(const std::vector<std::string>& given);

}  // namespace mambascope
