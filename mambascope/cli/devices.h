// The devices that share a run.
#pragma once

#include <c10/core/Device.h>

#include <future>
#include <string>
#include <vector>

namespace mambascope {

// The values of --device and --devices, and whether a launcher numbers the processes (--shard
// auto).
struct DeviceChoice {
  std::string device = "cpu";
  std::string gpus = {};  // all, or numbers as 0,1; empty: one device
  bool by_rank = false;
};

// Returns the devices that share the run's facts, at least one. A device can be listed again: it
// then has more threads. Throws Error for a GPU that the machine lacks, and UsageError for a text
// that names no GPUs.
std::vector<at::Device> FindDevices(const DeviceChoice& choice);

// Starts the GPUs among the devices in a thread of its own, which takes half a second. Meanwhile, a
// command reads its files. An Error of FindDevices is left to the future, and starts nothing.
std::future<void> StartGpus(const DeviceChoice& choice);

}  // namespace mambascope
