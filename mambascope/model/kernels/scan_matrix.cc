#include "mambascope/model/kernels/scan_matrix.h"

#include <ATen/ATen.h>

#include "mambascope/model/kernels/product.h"

namespace mambascope {

at::Tensor ScanMatrix(const ScanInput& in, int64_t first) {
  const int64_t rows = in.delta.size(0), d_inner = in.delta.size(1);
  const at::Tensor time =
      in.delta.to(at::kDouble)
          .cumsum(0);  // [row, d_inner]; in float32, differences of long times would be inaccurate
  const at::Tensor elapsed = (time.slice(0, first).unsqueeze(1) - time.unsqueeze(0))
                                 .clamp_min(0)
                                 .to(in.delta.scalar_type());
  // [i, j, groups] -> [i, j, d_inner], or [i, j, 1] for a single group
  const auto channels = [&](const at::Tensor& grouped) {
    return grouped.size(2) == 1 ? grouped : grouped.repeat_interleave(d_inner / grouped.size(2), 2);
  };
  const auto decay = [&](int64_t n) {
    return at::exp(elapsed * in.a[n]);
  };  // [i, j, d_inner]; 1 where j > i
  const at::Tensor c = in.c.slice(0, first);
  at::Tensor m = at::zeros_like(elapsed);
  if (in.a.size(0) == 1) {
    const at::Tensor reads = Product(c.transpose(0, 1), in.b.permute({1, 2, 0}));  // [group, i, j]
    m = decay(0) * channels(reads.permute({1, 2, 0}));
  }
  for (int64_t n = 0; n < in.b.size(2) && in.a.size(0) > 1; ++n)
    m = at::addcmul(m, decay(n),
                    channels(c.select(2, n).unsqueeze(1) * in.b.select(2, n).unsqueeze(0)));
  return m * in.delta.unsqueeze(0) *
         at::tril(at::ones({rows - first, rows}, m.options()), first).unsqueeze(2);
}

}  // namespace mambascope
