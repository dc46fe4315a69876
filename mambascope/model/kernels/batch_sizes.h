// Sizes of the batches that are computed together. A batch is large enough for matrix products to
// run at full rate, and small enough for the caches and the memory. All sizes that depend on the
// machine or the device are in this file.
#pragma once

#include <c10/core/Device.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace mambascope {

// Default memory limit of a computation, in bytes, without the weights.
inline constexpr int64_t kDefaultMemory = int64_t{4} << 30;
// Memory limit of a command, in bytes: a quarter of WholeMemory on the CPU. On a GPU it is 80 % of
// the memory that is free at the call. A build without GPU kernels cannot ask for that, and takes
// kDefaultMemory.
int64_t CommandMemory(at::Device device);

// Number of logits that are computed together: a quarter of a GB.
inline constexpr int64_t kLogitsTogether = int64_t{64} << 20;
// Number of scores that attention computes together, and of floats of a DeltaNet's matrices.
inline int64_t ScoresTogether(at::Device device) {
  return int64_t{1} << (device.is_cpu() ? 22 : 24);
}
inline constexpr int64_t kDeltaTogether = int64_t{1} << 24;

// Number of prompts that are continued together. Each holds the carry of all layers: 2 MB in a
// Mamba with 130 million parameters, 21 MB in one with 2.8 billion.
inline constexpr size_t kGeneratedTogether = 64;
// Number of prompts that are tested together for whether the model knows their answers.
inline constexpr size_t kPromptsTogether = 64;
// Rows of prompts that are computed together to read states at one token of each.
inline constexpr int64_t kStateRows = 2048;

// Rows of segments that go through a layer at a time in a sweep.
inline int64_t SweepRows(at::Device device) { return device.is_cpu() ? 1024 : 32768; }
// Maximum tokens of a pass that collects second moments.
inline int64_t MomentRows(at::Device device) { return device.is_cpu() ? 1024 : 16384; }
// Rows of value searches that are optimised together: fewer in a large model, so that searches end
// every few seconds.
inline int64_t SearchRows(at::Device device, int64_t parameters) {
  constexpr int64_t kMost = 2048, kWeightsForMost = 10'000'000;
  const int64_t most = device.is_cpu() ? kMost : 16 * kMost, scale = device.is_cpu() ? 1 : 64;
  return std::clamp<int64_t>(most * kWeightsForMost * scale / std::max<int64_t>(1, parameters), 1,
                             most);
}
// Rows of forward passes whose Jacobians are computed together.
inline int64_t JacobianRows(at::Device device) { return device.is_cpu() ? 1024 : 32768; }

// Number of facts that are computed together: enough to use the whole machine, few enough for
// results to come every few seconds. `rows` is about how many tokens a fact recomputes in each
// layer.
inline size_t FactsTogether(at::Device device, int64_t parameters, int64_t rows) {
  constexpr int64_t kMost = 16, kWeightsForMost = 160'000'000;
  // Weights x rows of about 5 s on two cores. A small model's rows take longer than its weights
  // say.
  constexpr int64_t kWork = 1'500'000'000'000, kOverhead = 22'000'000;
  const int64_t most = device.is_cpu() ? kMost : 8 * kMost, scale = device.is_cpu() ? 1 : 64,
                weights = std::max<int64_t>(1, parameters);
  return static_cast<size_t>(std::clamp<int64_t>(
      std::min(most * kWeightsForMost * scale / weights,
               kWork * scale / (std::max<int64_t>(1, rows) * (weights + kOverhead))),
      1, most));
}

// Number of workers that compute batches of facts on a device at the same time. While one of them
// plans its next batch, a GPU computes for the others. A small model's steps are also too short to
// keep a GPU busy.
inline size_t WorkersOn(at::Device device, int64_t parameters) {
  constexpr int64_t kSmall = 300'000'000;
  return device.is_cpu() ? 1 : parameters > kSmall ? 2 : 4;
}

}  // namespace mambascope
