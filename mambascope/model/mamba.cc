#include "mambascope/model/mamba.h"

#include "mambascope/model/kernels/device_kernels.h"

namespace mambascope {

std::vector<SiteInfo> ScanSites(int64_t d_inner) {
  return {{Site::kConvIn, d_inner}, {Site::kSsmIn, d_inner}, {Site::kSsmOut, d_inner},
          {Site::kGateIn, d_inner}, {Site::kGate, d_inner},  {Site::kMixed, d_inner}};
}

LayerCost ScanCost(const SsmConfig& ssm, at::Device device) {
  const int64_t scan = FindKernels(device) != nullptr ? 0 : 5 * ssm.d_inner * ssm.d_state;
  return {.row = (10 * ssm.d_inner + scan) * kFloatBytes,
          .slot = ssm.d_inner * (ssm.d_state + ssm.d_conv) * kFloatBytes,
          .walked_row = 5 * ssm.d_inner * kFloatBytes};
}

}  // namespace mambascope
