// Reading and writing whole files. An output file is never half-written: it is written under a
// temporary name in the same folder, FILE.1.part, and then renamed. So a link to a file is
// replaced, and the file that it names stays as it is. What a killed process left under such a name
// is removed when the file is next prepared or written. Devices, pipes and other paths that are not
// regular files are neither read nor written.
#pragma once

#include <filesystem>
#include <functional>
#include <mutex>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace mambascope {

// Returns the names of the folder's files, in order. Hidden files are left out. Throws Error when
// the folder cannot be read.
std::vector<std::string> FileNames(const std::filesystem::path& folder);

// Throws Error unless the path names a regular file, or a link to one. Call it before a file is
// opened: opening a pipe waits for its writer, and a device may have no end.
void RequireFile(const std::filesystem::path& path);

// Returns all bytes of the file. Throws Error when it cannot be read.
std::string ReadFile(const std::filesystem::path& path);

// Replaces the file or link `path` by the bytes that `write` puts into the stream. On failure it
// throws Error and leaves an earlier file as it was.
void WriteFile(const std::filesystem::path& path, const std::function<void(std::ostream&)>& write);
void WriteFile(const std::filesystem::path& path, std::string_view bytes);

// Throws the Error of a file or folder that cannot be written. `error` is an errno.
[[noreturn]] void ThrowUnwritable(const std::filesystem::path& path, int error);

// Waits until no thread writes a file, and keeps others from beginning to, as long as the lock is
// held. The thread that holds it may write. A program that ends in the middle of its work takes it
// first, so that no file is left half-written. It also keeps several files together.
std::unique_lock<std::recursive_mutex> HoldFiles();

// Creates the folder if it is missing and checks that a file can be created in it. Call it before a
// long computation, so that a bad path fails early.
void PrepareFolder(const std::filesystem::path& folder);

// Creates the folder of `path` if it is missing and checks that WriteFile can write to `path`. An
// earlier file stays as it is.
void PrepareFile(const std::filesystem::path& path);

}  // namespace mambascope
