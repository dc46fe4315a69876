// Causal tracing (Sharma et al. 2024, section 3; Meng et al. 2022). A fact is run clean, and
// corrupted by another subject or by noise on its subject. Then one state of the clean run at a
// time is restored in the corrupted run, and p(answer) is read. States that bring the answer back
// hold the fact. The indirect effect of a state is
//
//   IE = (p_patched - p_corrupt) / (p_clean - p_corrupt)        (equation 7)
//
// The same is read of the logit difference between the answer and another one.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "mambascope/experiments/cells.h"
#include "mambascope/experiments/facts/traced_fact.h"
#include "mambascope/experiments/tracing/restored_window.h"

namespace mambascope {

// A number per token (or row of tokens) and layer; none where it is not defined.
using TraceGrid = std::vector<std::vector<std::optional<double>>>;

struct FactTrace {
  TracedFact fact;
  // p(answer) of the patched run, [token][layer], averaged over the noise samples. None where the
  // corrupted prompt has no counterpart of the token, where the layer lacks the site, and at tokens
  // that TraceOptions::tokens leaves out.
  // Site::kEmbed has one column.
  TraceGrid probs;
  // p(answer) with mixer_out's two inputs restored. TraceMixerParts sets these; else they are
  // empty.
  TraceGrid ssm_out = {}, gate = {};
  // The logit difference of the patched run, as `probs`. Empty if the fact has no other answer.
  TraceGrid logit_diff = {};
};

// Returns the names of the sites of the published figures (Sharma et al. 2024, Figures 2 and 3), as
// far as the model has them. Other sites stand in for some that it lacks; there are at most four.
std::vector<std::string> PublishedSites(const Model& model);

struct TraceOptions {
  Site site = Site::kResid;
  int window = 1;                   // as in TracedSite
  std::optional<Noise> noise = {};  // for pairs without another subject
  // Sets of tokens (token_sets.h) of the clean prompt whose states are restored. Empty: all tokens.
  std::vector<std::string> tokens = {};
  CellOptions cells = {};
  // Called after each pass of the sweep with the traces so far. Cells that are not computed yet are
  // none.
  std::function<void(const std::vector<FactTrace>& traces)> partial = {};
};

// One fact (an index) at one site.
struct TraceTask {
  size_t pair = 0;
  TracedSite at;
};

// Traces facts at sites, all in one sweep. Tasks of one fact share its clean and corrupted runs.
// Ignores `options.site` and `options.window`. Returns a trace per task, as TraceFacts does. Throws
// Error as RunFacts does.
std::vector<FactTrace> TraceSites(const Model& model, const std::vector<FactPair>& pairs,
                                  const std::vector<TraceTask>& tasks, const TraceOptions& options,
                                  Audit& audit);

// Traces facts at one site, all in one sweep. At tokens of a common prefix both prompts have the
// same states, so these cells are p_corrupt without being computed. Throws Error as RunFacts does.
std::vector<FactTrace> TraceFacts(const Model& model, const std::vector<FactPair>& pairs,
                                  const TraceOptions& options, Audit& audit);

// Traces facts at mixer_out and at its two inputs, ssm_out and gate, for IsolateOutputProjection.
// `logit_diff` is of mixer_out. Ignores `options.site`. Throws Error as TraceFacts does, and for a
// model without these sites.
std::vector<FactTrace> TraceMixerParts(const Model& model, const std::vector<FactPair>& pairs,
                                       TraceOptions options, Audit& audit);

}  // namespace mambascope
