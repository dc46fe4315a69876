// Information-flow knockout (Endy et al. 2025). In the mixers of a window of layers, target tokens
// no longer read source tokens, and p(answer) is read. The loss of p(answer) measures what flowed
// from the sources to the targets in these layers:
//
//   change = 100 (p_knocked - p_base) / p_base        percent, the mean over facts
//
// Mean ablation (Sharma et al. 2024, section 6, Figure 11) replaces the sources' states at
// Site::kConvIn by the layer's mean state, in a window of layers and for all tokens that read them.
// It also removes what the convolution carries, which a cut of the recurrence leaves.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mambascope/experiments/cells.h"
#include "mambascope/experiments/facts/fact_pair.h"
#include "mambascope/experiments/knockout/decompose.h"
#include "mambascope/experiments/windows.h"

namespace mambascope {

// The mixers, and their channels (of scans) or heads (of attention), in which a cut acts.
struct ChannelGroup {
  std::string name = "all";
  std::optional<MixerKind> mixers = {};  // none: all kinds
  // [layer], the mask of a Cut; undefined where the layer is not cut. Empty: all channels.
  std::vector<at::Tensor> blocked = {};
};

// Options of mean ablation, which replaces the cut.
struct MeanAblation {
  // [layer][width], at Site::kConvIn (mean_states.h); undefined where the layer lacks the site.
  std::vector<at::Tensor> means;
  // The states at Site::kConvIn of the other tokens before the last one, in the window. kHeld keeps
  // the base run's states; kFree lets the ablation change them.
  enum class Others { kHeld, kFree } others = Others::kHeld;
};

// Windows of one length. A flow is severed in one of them at a time.
struct WindowSet {
  int length = 1;             // number of layers of a window
  std::vector<Span> windows;  // of layers, [first, last)
  // Where the windows stand on an axis: at their first layers, or the layers that they are around.
  std::vector<int> places = {};
};

struct KnockoutOptions {
  // Names of token sets (token_sets.h). Each pair, group of channels and set of windows gives a
  // curve.
  std::vector<std::string> from, to;
  std::vector<ChannelGroup> channels = {{}};  // of a cut
  std::vector<WindowSet> windows = {};
  std::vector<CutKind> kinds = {};  // [layer]; empty: kMixing everywhere
  // With mean ablation there are no targets or channels: each `from` gives a curve.
  std::optional<MeanAblation> ablation = {};
  // Also severs each single token from the last one, in the first group of channels and the first
  // set of windows.
  bool heatmap = false;
  // Also decomposes the answer's logit in the base run by token and layer (decompose.h).
  bool decompose = false;
  CellOptions cells = {};
};

// The sources, targets, channels and windows that one curve severs.
struct Flow {
  std::string from, to;  // `to` is empty with mean ablation
  size_t group = 0;      // index into options.channels
  size_t windows = 0;    // index into options.windows
};
// The curves of `options`, ordered by target, then group, then source, then set of windows.
std::vector<Flow> ListFlows(const KnockoutOptions& options);

struct KnockedFact {
  std::string relation;  // empty: the fact was given alone
  Prompt prompt;
  int64_t answer_id = 0;
  std::string answer;  // text of the token answer_id
  AnswerCell base;
  std::vector<std::vector<AnswerCell>> cells;  // [flow][window]
  // [flow], number of source tokens. 0: nothing is severed, and the cells are the base run.
  std::vector<int64_t> sources;
  std::vector<std::vector<AnswerCell>> heatmap = {};  // [token][window], in the first set
  std::vector<int> places = {};                       // of the heat map's windows on an axis
  std::optional<AnswerParts> parts = {};
};

// Knocks out facts, all in one sweep. The answer is the pair's, else the base run's most probable
// token. Throws Error when p_base is 0, because a relative change is not defined then; when the
// answer is outside the vocabulary; and when Sweep does.
std::vector<KnockedFact> KnockOut(const Model& model, const std::vector<FactPair>& pairs,
                                  const KnockoutOptions& options, Audit& audit);

}  // namespace mambascope
