// Finds the models and the text that come with the program.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace mambascope {

// Returns the folder that --model names: that of a bundled model, or the path itself. Throws Error
// when the folder or its config.json is missing.
std::filesystem::path ModelFolder(const std::string& name);

// Returns the text files for statistics: `given`, or the bundled text if `given` is empty. Throws
// Error when the bundled text is missing.
std::vector<std::filesystem::path> TextFiles(const std::vector<std::string>& given);

}  // namespace mambascope
