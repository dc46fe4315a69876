// Which checkpoint made a result.
#pragma once

#include <filesystem>
#include <string>

namespace mambascope {

// 16 hexadecimal digits: 64 bits of FNV-1a over config.json and, of every weight file in the checkpoint's folder, the size, the first and
// last 64 KiB, and 64 KiB every 16 MiB in between. It tells checkpoints apart in a moment; it does not prove them equal.
// Throws Error for what cannot be read.
std::string Fingerprint(const std::filesystem::path& folder);

// The same of a text.
std::string FingerprintOf(std::string_view text);

}  // namespace mambascope
