// Causal tracing (Sharma et al. 2024, section 3; Meng et al. 2022): a fact is asked of the model twice, clean, and corrupted by another
// subject or by noise on its own. Then one state of the clean run at a time is restored in the corrupted run, and p(answer) read. A state
// that brings the answer back knows it.
//
//   IE = (p_patched - p_corrupt) / (p_clean - p_corrupt)        (equation 7)
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "mambascope/experiments/cells.h"
#include "mambascope/experiments/facts/traced_fact.h"
#include "mambascope/experiments/windows.h"

namespace mambascope {

struct TraceOptions {
  Site site = Site::kResid;
  int window = 1;                   // layers restored together, around the one that a cell names
  std::optional<Noise> noise = {};  // of pairs without another subject
  CellOptions cells = {};
};

// A number per token (or row of tokens) and layer; none where there is nothing to compute it from.
using TraceGrid = std::vector<std::vector<std::optional<double>>>;

struct FactTrace {
  TracedFact fact;
  // p(answer) of the patched run, [token][layer]; with noise the mean over its samples. None where the corrupted prompt has no counterpart
  // of the token, and where the layer lacks the site. Site::kEmbed has one column.
  TraceGrid probs;
};

// Traces facts, all in one sweep. Where the two prompts begin alike, the states are the same in both: those cells are p_corrupt, and not
// computed. Throws Error when a prompt has no subject, or the model no token answer_id.
std::vector<FactTrace> TraceFacts(const Model& model, const std::vector<FactPair>& pairs, const TraceOptions& options, Audit& audit);

// Rows that the tokens of different prompts are averaged in. A subject of one token counts as last only.
inline constexpr std::array<const char*, 5> kTraceRows = {"subject_first", "subject_middle", "subject_last", "further", "last"};

// The row of a token of a prompt of `tokens` tokens, or none for a token before the subject.
std::optional<size_t> TraceRow(Span subject, int64_t tokens, int64_t token);

using IntervalGrid = std::vector<std::vector<std::optional<std::pair<double, double>>>>;

struct TraceAverage {
  TraceGrid ie;            // [row][layer], equation 7; none where no fact has such a token
  TraceGrid as_published;  // mean of p_patched / (p_clean - p_corrupt): what the paper's figures show
  IntervalGrid ci95;       // of ie, over facts
  std::array<int64_t, 5> facts_per_row = {};
  int64_t guarded = 0;  // facts left out since p_clean - p_corrupt is below kGuard
};

// Means over facts, each fact's tokens of a row averaged first.
TraceAverage AverageTraces(const std::vector<FactTrace>& facts);

// What W_o adds to its inputs: IE_mixer_out - IE_ssm_out - IE_gate of each fact, averaged as above; as_published is the same of its means
// (Sharma et al. 2024, Figure 8). REQUIRES: the three are traces of the same facts.
TraceAverage Isolate(const std::vector<FactTrace>& mixer_out, const std::vector<FactTrace>& ssm_out, const std::vector<FactTrace>& gate);

}  // namespace mambascope
