// Averages causal traces over facts, by rows of tokens and layers (Sharma et al. 2024, Figures 2 to
// 4 and 8).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "mambascope/experiments/tracing/trace.h"

namespace mambascope {

// Tokens of different prompts are averaged in these rows. A one-token subject counts as
// subject_last.
inline constexpr std::array<const char*, 5> kTraceRows = {"subject_first", "subject_middle",
                                                          "subject_last", "further", "last"};

// The row of token `token` in a prompt of `tokens` tokens; none for a token before the subject.
std::optional<size_t> TraceRow(Span subject, int64_t tokens, int64_t token);

using IntervalGrid = std::vector<std::vector<std::optional<std::pair<double, double>>>>;

struct TraceAverage {
  TraceGrid ie;  // [row][layer], equation 7; none where no fact has such a token
  // The mean of p_patched / (p_clean - p_corrupt), which the paper's figures show.
  TraceGrid as_published;
  IntervalGrid ci95;  // 95 % intervals of ie over facts
  std::array<int64_t, 5> facts_per_row = {};
  int64_t guarded = 0;  // facts left out (ScaleOf)
};

// Averages one grid of p(answer) of the facts. The tokens of a row are averaged within each fact
// first.
TraceAverage AverageTraces(const std::vector<FactTrace>& facts,
                           TraceGrid FactTrace::*grid = &FactTrace::probs);

// The same for logit differences: IE = (d - d_corrupt) / (d_clean - d_corrupt). as_published is
// empty.
TraceAverage AverageLogitDiffs(const std::vector<FactTrace>& facts);

// The effect that W_o adds to its inputs: IE_mixer_out - IE_ssm_out - IE_gate of each fact,
// averaged as in AverageTraces. as_published is the same difference of published means (Sharma et
// al. 2024, Figure 8). REQUIRES: every fact has the grids ssm_out and gate.
TraceAverage IsolateOutputProjection(const std::vector<FactTrace>& facts);

}  // namespace mambascope
