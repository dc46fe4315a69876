// The downstream region of a variant: the part of its base run that it changes. It spans the layers
// from the first changed layer up and the tokens from the first changed token on.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "mambascope/intervene/cuts.h"
#include "mambascope/model/model.h"

namespace mambascope {

// A base run: a prompt and the interventions that apply to it and to all its variants, such as
// noise on its subject.
struct SweepBase {
  std::vector<int64_t> ids;
  Variant variant = {};
};

// One variant of base run `base`. The interventions of the base run act first, then those of
// `variant`. A Hold takes the value of that base run.
struct SweepCase {
  size_t base;
  Variant variant;
  // Tokens at which the last block's output is returned. If empty, the last token.
  std::vector<int64_t> read = {};
};

// Returns the first layer that reads the changed state. It is the state's own layer, or the next
// one for the output of a block and for the embedding.
int FirstLayer(const StateId& at);

// The region that a case recomputes. Its segment holds the tokens [first, end) of the prompt and
// joins the sweep at `layer`. Below that layer and before that token the variant equals its base
// run.
struct DownstreamRegion {
  const SweepCase* work;
  size_t index;  // index of the case
  int layer;
  int64_t first, end;
  int64_t rows() const { return end - first; }
  // Whether the segment starts from the base run's carry. It does if it passes a layer and does not
  // start at the prompt's first token.
  bool continues(const Model& model) const { return first > 0 && layer < model.layers(); }
};

// Returns the regions of all cases, in order. They point into `cases`. Throws Error where Run
// would.
std::vector<DownstreamRegion> FindRegions(const Model& model, const std::vector<SweepBase>& bases,
                                          const std::vector<SweepCase>& cases);

// By layer: the sets of sources that cuts in the region hide before its first token. For each set
// the base run keeps one more carry at the token before the region, computed without these sources.
using CutCarries = std::map<int, std::set<std::vector<Sources>, HiddenOrder>>;
// Only layers with a scan appear. Attention's carry stores each token separately, so none is needed
// there.
CutCarries FindCutCarries(const Model& model, const SweepBase& base,
                          const DownstreamRegion& region);

}  // namespace mambascope
