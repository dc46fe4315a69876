// A variant changes only a part of its base run: the layers from the first one that an intervention
// changes, and the tokens from the first one on.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "mambascope/intervene/cuts.h"
#include "mambascope/model/model.h"

namespace mambascope {

// A SweepBase is a base run: a prompt, and what is done to it in all its variants too, such as
// noise on its subject.
struct SweepBase {
  std::vector<int64_t> ids;
  Variant variant = {};
};

// A SweepCase is one variant of base run `base`. The base's own interventions come first, then
// these. A Hold means the state of that base run.
struct SweepCase {
  size_t base;
  Variant variant;
  std::vector<int64_t> read =
      {};  // the tokens whose last-block output is wanted; none: the last one's
};

// Returns the layer that computes with a changed state first. It is the state's own, or the next
// one for the output of a block and for the embedding.
int FirstLayer(const StateId& at);

// A DownstreamRegion is what a case changes. Its segment joins at `layer`, with the tokens [first,
// end) of its prompt. Below that layer and before that token the variant is its base run.
struct DownstreamRegion {
  const SweepCase* work;
  size_t index;  // of the case
  int layer;
  int64_t first, end;
  int64_t rows() const { return end - first; }
  // Whether it needs the base run's carry: it goes through a layer, and does not start with the
  // prompt.
  bool continues(const Model& model) const { return first > 0 && layer < model.layers(); }
};

// Returns the regions of all cases, in their order. They point to `cases`. Throws Error for what
// Run would refuse.
std::vector<DownstreamRegion> FindRegions(const Model& model, const std::vector<SweepBase>& bases,
                                          const std::vector<SweepCase>& cases);

// CutCarries say for each layer what has to be left out of the carry at the token before a region,
// since some rows of the region do not see it.
using CutCarries = std::map<int, std::set<std::vector<Sources>, HiddenOrder>>;
// A layer without a scan needs none: attention's carry holds every token apart.
CutCarries FindCutCarries(const Model& model, const SweepBase& base,
                          const DownstreamRegion& region);

}  // namespace mambascope
