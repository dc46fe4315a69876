// How much is computed together: enough for the matrix products to run at their full rate, few
// enough for the caches and the memory. Whatever of that depends on the machine or the device is
// here.
#pragma once

#include <c10/core/Device.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace mambascope {

// Bytes that a computation may take beside the weights, where nobody says otherwise.
inline constexpr int64_t kDefaultMemory = int64_t{4} << 30;
// The same of a command: a quarter of the machine's memory, or kDefaultMemory of a GPU's, which
// nothing here can ask for.
inline int64_t CommandMemory(at::Device device) {
  return device.is_cpu() ? sysconf(_SC_PHYS_PAGES) / 4 * sysconf(_SC_PAGESIZE) : kDefaultMemory;
}

// Logits that are unembedded together: a quarter of a GB.
inline constexpr int64_t kLogitsTogether = int64_t{64} << 20;
// Scores that attention computes together.
inline constexpr int64_t kScoresTogether = int64_t{1} << 24;

// Prompts that a model goes on with together. Each holds the carry of all layers: 2 MB in a Mamba
// of 130 million parameters, 21 in one of 2.8 billion.
inline constexpr size_t kGeneratedTogether = 64;
// Prompts that are asked together whether the model knows their answers.
inline constexpr size_t kAskedTogether = 64;
// Rows of prompts whose states are read at one token.
inline constexpr int64_t kStateRows = 2048;

// Rows of segments that go through a layer at a time in a sweep.
inline int64_t SweepRows(at::Device device) { return device.is_cpu() ? 1024 : 32768; }
// Rows of value searches that descend together.
inline int64_t SearchRows(at::Device device) { return device.is_cpu() ? 2048 : 32768; }
// Rows of one forward pass of which Jacobians are computed.
inline int64_t JacobianRows(at::Device device) { return device.is_cpu() ? 1024 : 32768; }

// Facts in one sweep: enough to fill the machine, few enough for results to come often.
inline size_t FactsTogether(at::Device device, int64_t parameters) {
  constexpr int64_t kMost = 16, kWeightsForMost = 160'000'000;
  const int64_t most = device.is_cpu() ? kMost : 8 * kMost, scale = device.is_cpu() ? 1 : 64;
  return static_cast<size_t>(std::clamp<int64_t>(most * kWeightsForMost * scale / std::max<int64_t>(1, parameters), 1, most));
}

}  // namespace mambascope
