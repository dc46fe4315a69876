#include "mambascope/model/kernels/cpu_loops.h"

#include <algorithm>
#include <bit>
#include <vector>

// Each kernel is compiled for several instruction sets. The loader selects the best one that the
// machine has.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__)
#define MAMBASCOPE_KERNEL \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define MAMBASCOPE_KERNEL
#endif

namespace mambascope {
namespace {

constexpr int64_t kB = kScanBlock;

// Computes exp(x) to 2 units in the last place, in a form that compilers vectorise: 2^n times a
// polynomial in the remainder (Cephes).
inline __attribute__((always_inline)) float Exp(float x) {
  x = std::min(std::max(x, -87.0f), 88.0f);
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  const float shifted = x * 1.44269504f + kRound;
  const float n = shifted - kRound;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  const float y = p * r * r + r + 1.0f;
  const int32_t power = std::bit_cast<int32_t>(shifted) << 23;  // n in the exponent bits
  return std::bit_cast<float>(std::bit_cast<int32_t>(y) + power);
}

// Copies the block's channels of one row, padded with zeros to kB.
inline __attribute__((always_inline)) void LoadBlock(const float* row, const ChannelBlock& block,
                                                     float* to) {
  for (int64_t d = 0; d < block.width; ++d) to[d] = row[block.begin + d];
  for (int64_t d = block.width; d < kB; ++d) to[d] = 0;
}

inline __attribute__((always_inline)) void StoreBlock(const float* from, const ChannelBlock& block,
                                                      float* row) {
  for (int64_t d = 0; d < block.width; ++d) row[block.begin + d] = from[d];
}

// Copies the block's channels of n rows: [n, d_inner] -> [n, kB].
inline __attribute__((always_inline)) void LoadRows(const float* rows, int64_t n, int64_t d_inner,
                                                    const ChannelBlock& block, float* to) {
  for (int64_t i = 0; i < n; ++i) LoadBlock(rows + i * d_inner, block, to + i * kB);
}

inline __attribute__((always_inline)) void StoreRows(const float* from, int64_t n, int64_t d_inner,
                                                     const ChannelBlock& block, float* rows) {
  for (int64_t i = 0; i < n; ++i) StoreBlock(from + i * kB, block, rows + i * d_inner);
}

inline __attribute__((always_inline)) void StepDecay(const float* delta, const float* a,
                                                     float* decay) {
  for (int64_t d = 0; d < kB; ++d) decay[d] = Exp(delta[d] * a[d]);
}

}  // namespace

MAMBASCOPE_KERNEL
void ScanForward(const ScanArrays& in, const ScanSegment& segment, const ChannelBlock& block,
                 float* y, float* kept) {
  const int64_t n_states = in.d_state, d_inner = in.d_inner,
                a_rows = in.decay_per_state ? n_states : 1;
  std::vector<float> a(static_cast<size_t>(a_rows * kB)), state(static_cast<size_t>(n_states * kB));
  LoadRows(in.a, a_rows, d_inner, block, a.data());
  if (segment.initial != nullptr) LoadRows(segment.initial, n_states, d_inner, block, state.data());
  alignas(64) float x[kB], delta[kB], write[kB], decay[kB], out[kB];
  for (int64_t t = segment.begin; t < segment.end; ++t) {
    LoadBlock(in.x + t * d_inner, block, x);
    LoadBlock(in.delta + t * d_inner, block, delta);
    for (int64_t d = 0; d < kB; ++d) write[d] = delta[d] * x[d], out[d] = 0;
    if (!in.decay_per_state) StepDecay(delta, a.data(), decay);
    const float* b = in.b + (t * in.groups + block.group) * n_states;
    const float* c = in.c + (t * in.groups + block.group) * n_states;
    for (int64_t n = 0; n < n_states; ++n) {
      if (in.decay_per_state) StepDecay(delta, a.data() + n * kB, decay);
      float* s = state.data() + n * kB;
      for (int64_t d = 0; d < kB; ++d) {
        s[d] = decay[d] * s[d] + write[d] * b[n];
        out[d] += c[n] * s[d];
      }
    }
    StoreBlock(out, block, y + t * d_inner);
    if (segment.kept_slot[t] >= 0)
      StoreRows(state.data(), n_states, d_inner, block,
                kept + segment.kept_slot[t] * n_states * d_inner);
  }
}

// Goes from the last row to the first with G = dL/dS_t:
//   G += C_t dL/dy_t;  dL/dwrite = sum over states of G B_t
//   dL/dB_t = sum over channels of G write;  dL/ddecay = G S_(t-1)
// Then G * decay is passed on to t - 1.
MAMBASCOPE_KERNEL
void ScanBackward(const ScanArrays& in, const ScanSegment& segment, const ChannelBlock& block,
                  const ScanArrayGradients& g) {
  const int64_t n_states = in.d_state, d_inner = in.d_inner, rows = segment.end - segment.begin;
  const int64_t a_rows = in.decay_per_state ? n_states : 1, size = n_states * kB,
                decay_size = a_rows * kB;
  std::vector<float> a(static_cast<size_t>(decay_size)), grad(static_cast<size_t>(size)),
      loaded(static_cast<size_t>(size));
  // Row i holds S before row i; the last entry holds S after the last row.
  std::vector<float> states(static_cast<size_t>((rows + 1) * size));
  std::vector<float> decays(static_cast<size_t>(rows * decay_size));
  LoadRows(in.a, a_rows, d_inner, block, a.data());
  if (segment.initial != nullptr)
    LoadRows(segment.initial, n_states, d_inner, block, states.data());
  alignas(64) float x[kB], delta[kB], write[kB], gy[kB], gwrite[kB], gdelta[kB];
  for (int64_t i = 0; i < rows; ++i) {
    const int64_t t = segment.begin + i;
    LoadBlock(in.x + t * d_inner, block, x);
    LoadBlock(in.delta + t * d_inner, block, delta);
    for (int64_t d = 0; d < kB; ++d) write[d] = delta[d] * x[d];
    float* decay = decays.data() + i * decay_size;
    for (int64_t n = 0; n < a_rows; ++n) StepDecay(delta, a.data() + n * kB, decay + n * kB);
    const float* b = in.b + (t * in.groups + block.group) * n_states;
    for (int64_t n = 0; n < n_states; ++n) {
      const float *before = states.data() + i * size + n * kB,
                  *keep = decay + (in.decay_per_state ? n * kB : 0);
      float* after = states.data() + (i + 1) * size + n * kB;
      for (int64_t d = 0; d < kB; ++d) after[d] = keep[d] * before[d] + write[d] * b[n];
    }
  }
  for (int64_t i = rows - 1; i >= 0; --i) {
    const int64_t t = segment.begin + i, bc = (t * in.groups + block.group) * n_states;
    LoadBlock(in.x + t * d_inner, block, x);
    LoadBlock(in.delta + t * d_inner, block, delta);
    LoadBlock(g.y + t * d_inner, block, gy);
    if (g.kept != nullptr && segment.kept_slot[t] >= 0) {
      LoadRows(g.kept + segment.kept_slot[t] * n_states * d_inner, n_states, d_inner, block,
               loaded.data());
      for (int64_t j = 0; j < size; ++j) grad[j] += loaded[j];
    }
    for (int64_t d = 0; d < kB; ++d) write[d] = delta[d] * x[d], gwrite[d] = 0, gdelta[d] = 0;
    for (int64_t n = 0; n < n_states; ++n) {
      const int64_t a_row = in.decay_per_state ? n * kB : 0;
      const float *before = states.data() + i * size + n * kB, *after = before + size;
      const float *decay = decays.data() + i * decay_size + a_row, *a_n = a.data() + a_row;
      float* gs = grad.data() + n * kB;
      const float b = in.b[bc + n], c = in.c[bc + n];
      float gb = 0, gc = 0;
#pragma omp simd reduction(+ : gb, gc)
      for (int64_t d = 0; d < kB; ++d) {
        gs[d] += gy[d] * c;
        gc += gy[d] * after[d];
        gb += gs[d] * write[d];
        gwrite[d] += gs[d] * b;
        gdelta[d] += gs[d] * before[d] * decay[d] * a_n[d];
        gs[d] *= decay[d];
      }
      g.b[bc + n] += gb;
      g.c[bc + n] += gc;
    }
    for (int64_t d = 0; d < kB; ++d) gdelta[d] += gwrite[d] * x[d], gwrite[d] *= delta[d];
    StoreBlock(gwrite, block, g.x + t * d_inner);
    StoreBlock(gdelta, block, g.delta + t * d_inner);
  }
  if (g.initial == nullptr) return;
  for (int64_t n = 0; n < n_states; ++n) {
    for (int64_t d = 0; d < block.width; ++d)
      g.initial[n * d_inner + block.begin + d] += grad[n * kB + d];
  }
}

MAMBASCOPE_KERNEL
void ConvRow(const float* const* tap, int64_t taps, const float* weight, const float* bias,
             int64_t width, float* y) {
  for (int64_t d = 0; d < width; ++d) y[d] = bias != nullptr ? bias[d] : 0;
  for (int64_t k = 0; k < taps; ++k) {
    if (tap[k] != nullptr) MultiplyAdd(weight + k * width, tap[k], width, y);
  }
}

MAMBASCOPE_KERNEL
void MultiplyAdd(const float* weight, const float* x, int64_t width, float* to) {
  for (int64_t d = 0; d < width; ++d) to[d] += weight[d] * x[d];
}

}  // namespace mambascope
