// What comes with the program: models, and a text for statistics.
#pragma once

#include <filesystem>
#include <string>

namespace mambascope {

// The folder that --model means: one of the bundled models, or the path itself. Throws Error for a folder that is not there.
std::filesystem::path ModelFolder(const std::string& name);

// The text that is bundled for statistics.
std::filesystem::path BundledText();

}  // namespace mambascope
