// What a variant changes of its base run: the layers from the first one that an intervention changes, and the tokens from the first one on.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "mambascope/intervene/cuts.h"
#include "mambascope/model/model.h"

namespace mambascope {

// A base run: a prompt, and what is done to it in all its variants too, such as noise on its subject.
struct SweepBase {
  std::vector<int64_t> ids;
  Variant variant = {};
};

// One variant of base run `base`: the base's own interventions, then these. A Hold means the state of that base run.
struct SweepCase {
  size_t base;
  Variant variant;
  std::vector<int64_t> read = {};  // the tokens whose last-block output is wanted; none: the last one's
};

// The layer that computes with a changed state first: its own, or the next one for the output of a block and for the embedding.
int FirstLayer(const StateId& at);

// A case's segment: it joins at `layer` with the tokens [first, end) of its prompt. Below that layer and before that token the variant is
// its base run.
struct Cone {
  const SweepCase* work;
  size_t index;  // of the case
  int layer;
  int64_t first, end;
  int64_t rows() const { return end - first; }
  // Whether it needs the base run's carry: it goes through a layer, and does not start with the prompt.
  bool continues(const Model& model) const { return first > 0 && layer < model.layers(); }
};
Cone ConeOf(const Model& model, const SweepBase& base, const SweepCase& work, size_t index);

// What has to be left out of the carry at the token before a cone, as some of its rows see it, by layer.
using CutCarries = std::map<int, std::set<std::vector<Sources>, HiddenOrder>>;
// None for a transformer, whose carry holds every token apart.
CutCarries CutCarriesOf(const Model& model, const SweepBase& base, const Cone& cone);

// Those of all cases. Throws Error for what Run would refuse.
std::vector<Cone> ConesOf(const Model& model, const std::vector<SweepBase>& bases, const std::vector<SweepCase>& cases);

}  // namespace mambascope
