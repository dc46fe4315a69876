// The inner loops of the CPU kernels (scan_cpu.cc, conv_cpu.cc) on plain arrays. A loop of the scan
// handles one segment and one block of neighbouring channels. Arrays are row-major float32.
#pragma once

#include <cstdint>

namespace mambascope {

// Number of channels that are computed together. Their state fits in the first-level cache while
// the loop goes through a segment.
inline constexpr int64_t kScanBlock = 64;

// At most kScanBlock neighbouring channels of one group.
struct ChannelBlock {
  int64_t begin, width, group;
};

struct ScanArrays {
  int64_t d_inner, d_state, groups;
  bool decay_per_state;    // whether a has d_state rows; else it has 1
  const float *x, *delta;  // [row, d_inner]
  const float* a;          // [d_state or 1, d_inner]
  const float *b, *c;      // [row, groups, d_state]
};

struct ScanSegment {
  int64_t begin, end;    // range of rows
  const float* initial;  // [d_state, d_inner]; null: zeros
  // [row]: slot of `kept` in which the state after the row is stored, or -1
  const int64_t* kept_slot;
};

// Computes y [row, d_inner] and kept [slot, d_state, d_inner] for the segment's rows and the
// block's channels.
void ScanForward(const ScanArrays& in, const ScanSegment& segment, const ChannelBlock& block,
                 float* y, float* kept);

struct ScanArrayGradients {
  const float* y;     // dL/dy [row, d_inner]
  const float* kept;  // dL/dkept [slot, d_state, d_inner]; null: zero
  float *x, *delta;   // [row, d_inner], written
  float *b, *c;       // [row, groups, d_state], added to
  float* initial;     // [d_state, d_inner] of the segment's slot, added to; null: none
};

// Computes the gradients of the segment's inputs. It repeats the recurrence to restore its states,
// which takes O(rows * d_state * kScanBlock) memory.
void ScanBackward(const ScanArrays& in, const ScanSegment& segment, const ChannelBlock& block,
                  const ScanArrayGradients& g);

// Computes y = bias + sum over k of weight_k * tap_k for one row of `width` channels. A null tap or
// a null bias stands for 0. weight [taps, width].
void ConvRow(const float* const* tap, int64_t taps, const float* weight, const float* bias,
             int64_t width, float* y);

// Adds weight * x to `to`, elementwise.
void MultiplyAdd(const float* weight, const float* x, int64_t width, float* to);

}  // namespace mambascope
