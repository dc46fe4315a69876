// Whole files in and out. Output is never half-written: it is written beside its place and renamed
// into it. A link is followed; a device, or another thing that is no file, is refused.
#pragma once

#include <filesystem>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>

namespace mambascope {

// All bytes of the file. Throws Error when it cannot be read.
std::string ReadFile(const std::filesystem::path& path);

// Replaces the file `path` by what `write` puts into the stream. Throws Error, and leaves an
// earlier file as it was, when that fails.
void WriteFile(const std::filesystem::path& path, const std::function<void(std::ostream&)>& write);
void WriteFile(const std::filesystem::path& path, std::string_view bytes);

// The same, where `make` writes a file at the place that it is given, beside `path`.
void ReplaceFile(const std::filesystem::path& path,
                 const std::function<void(const std::filesystem::path& part)>& make);

// Makes the folder where it is missing and proves that a file can be made in it: call it before the
// work, not after.
void PrepareFolder(const std::filesystem::path& folder);

// The same for a file: makes its folder, and proves that WriteFile can put it there. An earlier
// file stays as it is.
void PrepareFile(const std::filesystem::path& path);

}  // namespace mambascope
