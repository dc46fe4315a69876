// These sizes say how much is computed together. It is enough for the matrix products to run at
// their full rate, and little enough for the caches and the memory. Whatever of that depends on the
// machine or the device is here.
#pragma once

#include <c10/core/Device.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace mambascope {

// A computation may take so many bytes beside the weights, where nobody says otherwise.
inline constexpr int64_t kDefaultMemory = int64_t{4} << 30;
// A command may take a quarter of the machine's memory, or kDefaultMemory of a GPU's, whose size
// nothing here can ask for.
inline int64_t CommandMemory(at::Device device) {
  return device.is_cpu() ? sysconf(_SC_PHYS_PAGES) / 4 * sysconf(_SC_PAGESIZE) : kDefaultMemory;
}

// So many logits are unembedded together: a quarter of a GB.
inline constexpr int64_t kLogitsTogether = int64_t{64} << 20;
// Attention computes so many scores together.
inline constexpr int64_t kScoresTogether = int64_t{1} << 24;

// A model goes on with so many prompts together. Each holds the carry of all layers: 2 MB in a
// Mamba of 130 million parameters, 21 in one of 2.8 billion.
inline constexpr size_t kGeneratedTogether = 64;
// So many prompts are asked together whether the model knows their answers.
inline constexpr size_t kPromptsTogether = 64;
// Prompts of so many rows go up together where states are read at one token of each.
inline constexpr int64_t kStateRows = 2048;

// So many rows of segments go through a layer at a time in a sweep.
inline int64_t SweepRows(at::Device device) { return device.is_cpu() ? 1024 : 32768; }
// Value searches of so many rows descend together.
inline int64_t SearchRows(at::Device device) { return device.is_cpu() ? 2048 : 32768; }
// Jacobians are computed of forward passes of so many rows.
inline int64_t JacobianRows(at::Device device) { return device.is_cpu() ? 1024 : 32768; }

// One sweep is of so many facts: enough to fill the machine, few enough for results to come often.
inline size_t FactsTogether(at::Device device, int64_t parameters) {
  constexpr int64_t kMost = 16, kWeightsForMost = 160'000'000;
  const int64_t most = device.is_cpu() ? kMost : 8 * kMost, scale = device.is_cpu() ? 1 : 64;
  return static_cast<size_t>(std::clamp<int64_t>(
      most * kWeightsForMost * scale / std::max<int64_t>(1, parameters), 1, most));
}

}  // namespace mambascope
