// What a variant changes of its base run, and how a sweep's work is split into passes.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "mambascope/intervene/cuts.h"
#include "mambascope/intervene/sweep.h"

namespace mambascope {

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

// Cones that go up together, in the order of the cases, and about how many bytes they take.
struct Pass {
  std::vector<Cone> cones;
  int64_t bytes = 0;
};

// Rows that go through a layer at a time: enough for the matrix products to run at their full rate, few enough for what a layer hands from
// one operation to the next to stay in the cache; fewer where options.memory is small.
int64_t GroupRows(const Model& model, const SweepOptions& options);

// Throws Error for what Run would refuse, and where one case alone takes more than options.memory.
std::vector<Pass> SplitIntoPasses(const Model& model, const std::vector<SweepBase>& bases, const std::vector<SweepCase>& cases,
                                  const SweepOptions& options);

SweepPlan PlanOf(const Model& model, const std::vector<SweepBase>& bases, const std::vector<Pass>& passes);

}  // namespace mambascope
