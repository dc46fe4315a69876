#include "mambascope/cli/devices.h"

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <fmt/format.h>

#include <charconv>

#include "mambascope/cli/launcher.h"
#include "mambascope/cli/option.h"
#include "mambascope/error.h"
#include "mambascope/plural.h"

namespace mambascope {
namespace {

at::Device Gpu(int64_t number) { return {at::kCUDA, static_cast<c10::DeviceIndex>(number)}; }

}  // namespace

std::vector<at::Device> FindDevices(const DeviceChoice& o) {
  if (o.device == "cpu") return {at::kCPU};
  const int gpus = at::hasCUDA() ? at::detail::getCUDAHooks().getNumGPUs() : 0;
  if (gpus == 0)
    throw Error(fmt::format("{}: this build, or this machine, has no CUDA",
                            o.gpus.empty() ? "--device cuda" : "--devices " + o.gpus),
                "use --device cpu");
  std::vector<at::Device> devices;
  if (o.gpus.empty()) {
    // The processes of a machine take its GPUs in turn.
    const std::optional<int64_t> rank = o.by_rank ? RankOnMachine(ReadEnvironment) : std::nullopt;
    return {rank ? Gpu(*rank % gpus) : at::Device(at::kCUDA)};
  }
  if (o.gpus == "all") {
    for (int number = 0; number < gpus; ++number) devices.push_back(Gpu(number));
    return devices;
  }
  const char* at = o.gpus.data();
  const char* const end = at + o.gpus.size();
  for (bool more = true; more; ++at) {
    int number = -1;
    const auto [rest, error] = std::from_chars(at, end, number);
    more = rest != end;
    if (error != std::errc() || number < 0 || (more && *rest != ','))
      throw UsageError(
          fmt::format("--devices {}: expected all, or numbers of GPUs as 0,1", o.gpus));
    at = rest;
    if (number >= gpus)
      throw Error(fmt::format("--devices {}: this machine has {}", o.gpus, Count(gpus, "GPU")),
                  "GPUs are counted from 0");
    devices.push_back(Gpu(number));
  }
  return devices;
}

}  // namespace mambascope
