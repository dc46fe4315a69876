// What comes with the program: models, and a text for statistics.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace mambascope {

// The bundled file or folder of this name, such as "data/demo/relations". None where the program
// was installed or copied without it.
std::optional<std::filesystem::path> FindBundled(const std::string& name);

// The name of the bundled text, for FindBundled.
inline constexpr const char* kBundledText = "data/demo/sentences.jsonl";

// Whether a checkpoint with this fingerprint is one of the bundled models.
bool IsBundledModel(const std::string& fingerprint);

// The folder that --model means: one of the bundled models, or the path itself. Throws Error for a
// folder that is not there.
std::filesystem::path ModelFolder(const std::string& name);

// The files of text for statistics: those given, or else the bundled one.
std::vector<std::filesystem::path> TextFiles(const std::vector<std::string>& given);

}  // namespace mambascope
