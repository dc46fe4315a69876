// Causal tracing (Sharma et al. 2024, section 3; Meng et al. 2022): a fact is asked of the model twice, with its subject (clean) and with
// another subject in its place (corrupted). Then one state of the clean run at a time is restored in the corrupted run, and p(answer) read.
// A state that brings the answer back knows it.
//
//   IE = (p_patched - p_corrupt) / (p_clean - p_corrupt)        (equation 7)
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "mambascope/data/prompt.h"
#include "mambascope/model/model.h"

namespace mambascope {

struct TraceOptions {
  Site site = Site::kResid;
  int window = 1;  // layers restored together, around the one that a cell names
  // Called with cells done and cells in all, as they are done.
  std::function<void(int64_t done, int64_t total)> progress = {};
};

// A probability per token of the clean prompt and layer; none where the corrupted prompt has no counterpart of the token.
using TraceGrid = std::vector<std::vector<std::optional<double>>>;

struct FactTrace {
  std::string relation;  // empty: the fact was given alone
  Prompt clean, corrupt;
  int64_t answer_id = 0;
  std::string answer;  // the text of that token
  double p_clean = 0;
  double p_corrupt = 0;
  TraceGrid probs;  // p(answer) of the patched run, [token][layer]; Site::kEmbed has one column
};

// The window's default: that of the paper, 10 of 64 layers, scaled to the model; one layer at Site::kResid and Site::kEmbed.
int DefaultWindow(Site site, int layers);

// The layers [first, last) restored with `layer`: `window` of them, the extra one of an even window below, cut off at the model's ends.
Span WindowAround(int layer, int window, int layers);

// For every token of `clean`, its counterpart in `corrupt`: one to one before the subject, from the subject's end backwards inside it, and
// one to one after it. Never by padding.
std::vector<std::optional<int64_t>> AlignTokens(const Prompt& clean, const Prompt& corrupt);

// Traces one fact. `answer_id`: none for the most probable token of the clean run (as Sharma et al. do).
// Throws Error when a prompt has no subject, or the model no such token.
FactTrace TraceFact(const Model& model, const Prompt& clean, const Prompt& corrupt, std::optional<int64_t> answer_id,
                    const TraceOptions& options);

// Rows that the tokens of different prompts are averaged in. A subject of one token counts as last only.
inline constexpr std::array<const char*, 5> kTraceRows = {"subject_first", "subject_middle", "subject_last", "further", "last"};

// The row of a token, or none for a token before the subject.
std::optional<size_t> TraceRow(const Prompt& prompt, int64_t token);

struct TraceAverage {
  TraceGrid ie;            // [row][layer], equation 7; none where no fact has such a token
  TraceGrid as_published;  // mean of p_patched / (p_clean - p_corrupt): what the paper's figures show
  std::array<int64_t, 5> facts_per_row = {};
  int64_t guarded = 0;  // facts left out since p_clean - p_corrupt is below kGuard
};

// Below this difference of probabilities a ratio says nothing.
inline constexpr double kGuard = 0.01;

// Means over facts, each fact's tokens of a row averaged first.
TraceAverage Average(const std::vector<FactTrace>& facts);

}  // namespace mambascope
