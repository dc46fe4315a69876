// Causal traces averaged over facts: rows of tokens by layers (Sharma et al. 2024, Figures 2 to 4
// and 8).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "mambascope/experiments/tracing/trace.h"

namespace mambascope {

// Rows that the tokens of different prompts are averaged in. A subject of one token counts as last
// only.
inline constexpr std::array<const char*, 5> kTraceRows = {"subject_first", "subject_middle",
                                                          "subject_last", "further", "last"};

// The row of a token of a prompt of `tokens` tokens, or none for a token before the subject.
std::optional<size_t> TraceRow(Span subject, int64_t tokens, int64_t token);

using IntervalGrid = std::vector<std::vector<std::optional<std::pair<double, double>>>>;

struct TraceAverage {
  TraceGrid ie;  // [row][layer], equation 7; none where no fact has such a token
  TraceGrid
      as_published;   // mean of p_patched / (p_clean - p_corrupt): what the paper's figures show
  IntervalGrid ci95;  // of ie, over facts
  std::array<int64_t, 5> facts_per_row = {};
  int64_t guarded = 0;  // facts left out since p_clean - p_corrupt is below kGuard
};

// Means over facts of one grid of theirs. Each fact's tokens of a row are averaged first.
TraceAverage AverageTraces(const std::vector<FactTrace>& facts,
                           TraceGrid FactTrace::*grid = &FactTrace::probs);

// What W_o adds to its inputs: IE_mixer_out - IE_ssm_out - IE_gate of each fact, averaged as above.
// as_published is the same of its means (Sharma et al. 2024, Figure 8). REQUIRES: every fact has
// the grids ssm_out and gate.
TraceAverage IsolateOutputProjection(const std::vector<FactTrace>& facts);

}  // namespace mambascope
