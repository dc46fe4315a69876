// The memory that a computation may take. What a request would take is compared with it before it
// is taken, since a system that runs out of memory ends the process without a word.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace mambascope {

// The bytes that this process can still take: what the machine has available, what its control
// groups leave, or what its limit of addresses (ulimit -v) leaves, whichever is least. Memory that
// the system can free counts as available. `root` is the folder that holds proc and sys.
int64_t AvailableMemory(const std::filesystem::path& root = "/");
// The machine's memory, or the limit of a control group if that is less.
int64_t WholeMemory(const std::filesystem::path& root = "/");

// "850 MB", "3.1 GB"; as in --memory, a GB has 1024 MB.
std::string BytesText(int64_t bytes);

// Throws Error where `bytes` are not available. `what` names what takes them, as "a pass over 9000
// tokens", and `hint` says what takes less.
void RequireMemory(int64_t bytes, const std::string& what, const std::string& hint);

}  // namespace mambascope
