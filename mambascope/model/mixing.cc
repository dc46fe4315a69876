#include "mambascope/model/mixing.h"

#include <ATen/ATen.h>

#include "mambascope/model/kernels/scan_matrix.h"

namespace mambascope {
namespace {

// Returns one column of every `copies` neighbouring columns.
at::Tensor EveryNth(const at::Tensor& x, int64_t copies) {
  return x.slice(1, 0, x.size(1), copies);
}

// Returns what the mixed values `arrived` [.., width] at token `to` add to the residual stream,
// [.., d_model].
at::Tensor Write(const Mixing& mixing, const at::Tensor& arrived, int64_t to) {
  return Linear(mixing.gate.defined() ? arrived * mixing.gate[to] : arrived,
                {mixing.out.weight, {}});
}

}  // namespace

at::Tensor Mixing::Written(int64_t to) const {
  const at::Tensor weights = matrix(to, 0, channels)[0];  // [from, channel]
  return Write(*this, weights.repeat_interleave(values.size(1) / channels, 1) * values, to);
}

at::Tensor Mixing::WrittenBySkip(int64_t to) const { return Write(*this, skip[to], to); }

Mixing ScanMixing(const ScanInput& in, int64_t copies, const at::Tensor& d, const at::Tensor& gate,
                  const Projection& out) {
  const ScanInput one{{}, EveryNth(in.delta, copies), EveryNth(in.a, copies), in.b, in.c};
  const int64_t channels = one.delta.size(1);
  const auto matrix = [one, channels](int64_t first, int64_t begin, int64_t end) {
    const auto own = [&](const at::Tensor& grouped) {  // [token, 1 or channel, d_state]
      return grouped.size(1) == 1
                 ? grouped
                 : grouped.repeat_interleave(channels / grouped.size(1), 1).slice(1, begin, end);
    };
    return ScanMatrix(
        {{}, one.delta.slice(1, begin, end), one.a.slice(1, begin, end), own(one.b), own(one.c)},
        first);
  };
  return {.channels = channels,
          .values = in.x,
          .skip = in.x * d,
          .gate = gate,
          .out = out,
          .step = one.delta,
          .matrix = matrix};
}

Mixing AttentionMixing(const AttentionInput& in, const AttentionConfig& config,
                       const Projection& out) {
  const int64_t heads = in.q.size(1);
  const auto repeated = [&](const at::Tensor& x) {
    return x.repeat_interleave(heads / x.size(1), 1);
  };  // [token, heads, head_dim]
  const auto matrix = [config, q = in.q, k = repeated(in.k)](int64_t first, int64_t begin,
                                                             int64_t end) {
    return AttentionWeights(q.slice(1, begin, end), k.slice(1, begin, end), config, first);
  };
  return {.channels = heads,
          .values = repeated(in.v).flatten(1),
          .skip = {},
          .gate = in.gate,
          .out = out,
          .step = {},
          .matrix = matrix};
}

}  // namespace mambascope
