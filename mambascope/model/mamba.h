// The mixers of Mamba. `w` is scoped to the mixer.
#pragma once

#include <c10/core/Device.h>

#include <memory>
#include <vector>

#include "mambascope/checkpoint/config.h"
#include "mambascope/model/part.h"
#include "mambascope/model/weights.h"

namespace mambascope {

std::unique_ptr<Part> MakeMamba1(const SsmConfig& ssm, int64_t d_model, const Weights& w);
std::unique_ptr<Part> MakeMamba2(const SsmConfig& ssm, int64_t d_model, const Weights& w);

// ---- what both share

// The sites of a mixer that scans `d_inner` channels.
std::vector<SiteInfo> ScanSites(int64_t d_inner);
// Without kernels of the device, a step of the scan holds about 5 carries for every segment. The
// estimate assumes segments of one row.
LayerCost ScanCost(const SsmConfig& ssm, at::Device device);

}  // namespace mambascope
