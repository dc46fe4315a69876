// Finds the models and the text that come with the program.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace mambascope {

// The bundled file or folder of this name, such as "data/demo/relations". None where the program
// was installed or copied without it.
std::optional<std::filesystem::path> FindBundled(const std::string& name);

// The names of the bundled text and of the bundled relations, for FindBundled.
inline constexpr const char* kBundledText = "data/demo/sentences.jsonl";
inline constexpr const char* kBundledRelations = "data/demo/relations";

// Returns the folder of mambascope in the user's cache: in $XDG_CACHE_HOME or ~/.cache. None where
// neither XDG_CACHE_HOME nor HOME is set.
std::optional<std::filesystem::path> UserCache();

// Whether a checkpoint with this fingerprint is one of the bundled models.
bool IsBundledModel(const std::string& fingerprint);

// Returns the folder that --model names: that of a bundled model, or the path itself. Throws Error
// when the folder or its config.json is missing.
std::filesystem::path ModelFolder(const std::string& name);

// Returns the text files for statistics: `given`, or the bundled text if `given` is empty. Throws
// Error when the bundled text is missing.
std::vector<std::filesystem::path> TextFiles(const std::vector<std::string>& given);

}  // namespace mambascope
