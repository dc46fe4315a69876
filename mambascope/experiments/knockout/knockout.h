// Information-flow knockout (Endy et al. 2025): in the mixers of a window of layers some tokens no
// longer read others, and p(answer) is read. What it loses flowed from the sources to the targets
// there.
//
//   change = 100 (p_knocked - p_base) / p_base        percent, the mean over facts
//
// And mean ablation (Sharma et al. 2024, section 6, Figure 11), for a mixer whose convolution hands
// on what a cut of the recurrence severs: the sources' states at Site::kConvIn become the layer's
// mean in the window, whoever reads them.
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

// Where a cut acts: channels of scans, heads of attention.
struct ChannelGroup {
  std::string name = "all";
  std::vector<at::Tensor> blocked =
      {};  // [layer], the mask of a Cut, undefined where the layer is not cut; none: everywhere
};

// Mean ablation in place of a cut.
struct MeanAblation {
  std::vector<at::Tensor> means;  // [layer] [width], at Site::kConvIn (mean_states.h); undefined
                                  // where the layer lacks the site
  // The states at Site::kConvIn of the other tokens before the last one: the base run's in the
  // window, or whatever the ablation makes of them.
  enum class Others { kHeld, kFree } others = Others::kHeld;
};

struct KnockoutOptions {
  std::vector<std::string> from, to;  // token_sets.h; a curve for every pair and group of channels
  std::vector<ChannelGroup> channels = {{}};  // of a cut
  std::vector<Span> windows = {};             // of layers, [first, last)
  std::vector<int> places =
      {};  // the windows on an axis: their first layers, or the layers that they lie around
  std::vector<CutKind> kinds = {};  // [layer]; none: kMixing in all
  std::optional<MeanAblation> ablation =
      {};                // then there are no targets or channels: a curve for every `from`
  bool heatmap = false;  // each token alone, too; to the last one, in the first group of channels
  bool decompose =
      false;  // the answer's logit of the base run, too, by token and layer (decompose.h)
  CellOptions cells = {};
};

// What one curve severs.
struct Flow {
  std::string from, to;  // `to` is empty with mean ablation
  size_t group = 0;      // of options.channels
};
// By target, then group, then source.
std::vector<Flow> ListFlows(const KnockoutOptions& options);

struct KnockedFact {
  std::string relation;  // empty: the fact was given alone
  Prompt prompt;
  int64_t answer_id = 0;
  std::string answer;  // the text of that token
  AnswerCell base;
  std::vector<std::vector<AnswerCell>> cells;  // [flow][window]
  std::vector<int64_t> sources;  // [flow], tokens severed; 0: there is nothing to sever here, and
                                 // the cells are the base run
  std::vector<std::vector<AnswerCell>> heatmap = {};  // [token][window]
  std::vector<int> places = {};                       // of the heat map's windows
  std::optional<AnswerParts> parts = {};
};

// Knocks out facts, all in one sweep. The answer is that of the pair. Throws Error for p_base = 0,
// to which there is no change, and for what Sweep refuses.
std::vector<KnockedFact> KnockOut(const Model& model, const std::vector<FactPair>& pairs,
                                  const KnockoutOptions& options, Audit& audit);

}  // namespace mambascope
