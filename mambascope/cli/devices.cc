#include "mambascope/cli/devices.h"

#include <ATen/ATen.h>
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

// The numbers in "0,1". Throws UsageError for another text.
std::vector<int> ReadNumbers(const std::string& text) {
  std::vector<int> numbers;
  const char* at = text.data();
  const char* const end = at + text.size();
  for (bool more = true; more; ++at) {
    int number = -1;
    const auto [rest, error] = std::from_chars(at, end, number);
    more = rest != end;
    if (error != std::errc() || number < 0 || (more && *rest != ','))
      throw UsageError(fmt::format("--devices {}: expected all, or numbers of GPUs as 0,1", text));
    numbers.push_back(number);
    at = rest;
  }
  return numbers;
}

}  // namespace

std::vector<at::Device> FindDevices(const DeviceChoice& o) {
  if (o.device == "cpu") return {at::kCPU};
  const bool all = o.gpus == "all";
  std::vector<int> numbers;
  if (!all && !o.gpus.empty()) numbers = ReadNumbers(o.gpus);
  const int gpus = at::hasCUDA() ? at::detail::getCUDAHooks().getNumGPUs() : 0;
  if (gpus == 0)
    throw Error(fmt::format("{}: this build, or this machine, has no CUDA",
                            o.gpus.empty() ? "--device cuda" : "--devices " + o.gpus),
                "use --device cpu");
  if (o.gpus.empty()) {
    // The processes of a machine take its GPUs in turn.
    const std::optional<int64_t> rank = o.by_rank ? RankOnMachine(ReadEnvironment) : std::nullopt;
    return {rank ? Gpu(*rank % gpus) : at::Device(at::kCUDA)};
  }
  for (int number = 0; all && number < gpus; ++number) numbers.push_back(number);
  std::vector<at::Device> devices;
  for (const int number : numbers) {
    if (number >= gpus)
      throw Error(fmt::format("--devices {}: this machine has {}", o.gpus, Count(gpus, "GPU")),
                  "GPUs are counted from 0");
    devices.push_back(Gpu(number));
  }
  return devices;
}

std::future<void> StartGpus(const DeviceChoice& choice) {
  if (choice.device == "cpu") return {};
  return std::async(std::launch::async, [choice] {
    for (const at::Device& device : FindDevices(choice)) {
      const at::Tensor x = at::ones({1, 1}, at::TensorOptions(at::kFloat).device(device));
      at::mm(x, x);  // loads the library of products, too
    }
  });
}

}  // namespace mambascope
