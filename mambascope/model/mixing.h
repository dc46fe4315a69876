// A Mixing describes a mixer on one whole prompt as a matrix: what it moves from token to token,
// and what that adds to the residual stream.
//
//   m_t = sum over s <= t of M_ts v_s + skip_t            o_t = W (m_t * gate_t) + b
//
// M has a token-to-token matrix for each channel, [to, from, channel]. The terms are:
//
//   Mamba-1: a channel is one of d_inner.  M_ts = C_t (product of exp(delta A)) delta_s B_s
//            v = c    skip = D c    gate = g    W = W_o
//   Mamba-2: a channel is a head.  M_ts is as in Mamba-1, with one decay per head
//            v = c    skip = D c    gate = w_norm * g / rms(s * g)    W = W_o
//   gated DeltaNet: a channel is a head.  M is that of DeltaMatrix (kernels/delta_scan.h)
//            v = its values    skip = 0    gate = w_norm * g / rms(s)    W = W_o
//   attention: a channel is a head.  M_ts is the attention weight
//            v = values of the heads    skip = 0    gate = 1, or its output gate    W = W_o
//
// For Mamba M is the hidden attention of Ali, Zimerman & Wolf 2024; for Mamba-2 see also Dao & Gu
// 2024, equation 3. The gate and the norm's scale are fixed at their values in this run. So o is
// linear in m.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

#include "mambascope/model/kernels/attention.h"
#include "mambascope/model/kernels/scan_input.h"
#include "mambascope/model/ops.h"

namespace mambascope {

struct Mixing {
  int64_t channels = 0;  // each moves width / channels neighbouring columns of the values
  at::Tensor values;     // v [token, width]
  at::Tensor skip;       // [token, width]; undefined: none
  at::Tensor gate;       // [token, width] or [token, 1]; undefined: 1
  Projection out;        // W [d_model, width] and b
  at::Tensor step;       // of a recurrence: the step size delta [token, channels]
  // Whether o is added to the residual stream. Elsewhere another part of the layer reads it.
  bool writes = true;
  // Returns the rows of M from the token `first` on, for the channels [begin, end), as
  // [token - first, token, end - begin]. Entries are 0 where `from` is after `to`. The whole M
  // takes token * token * channels floats, and a few times as many while it is computed.
  std::function<at::Tensor(int64_t first, int64_t begin, int64_t end)> matrix;

  // Returns what the value of each token adds to the residual stream at `to`, [from, d_model]. The
  // sum over tokens plus WrittenBySkip and out.bias is the mixer's output at `to`.
  at::Tensor Written(int64_t to) const;
  // Returns what the skip adds to the residual stream at `to`, [d_model]. REQUIRES: skip is
  // defined.
  at::Tensor WrittenBySkip(int64_t to) const;
};

// Makes the Mixing of a scan. Each `copies` neighbouring channels of `in` share step size and
// decay, so they form one channel of the matrix.
//   d [d_inner], gate [token, d_inner]
Mixing ScanMixing(const ScanInput& in, int64_t copies, const at::Tensor& d, const at::Tensor& gate,
                  const Projection& out);

Mixing AttentionMixing(const AttentionInput& in, const AttentionConfig& config,
                       const Projection& out);

}  // namespace mambascope
