// Splits a relation's samples into training and test samples of an operator, and draws the edit
// target of each test sample (Hernandez et al. 2023, sections 4.1 and 4.2). The random numbers are
// used in the same order as in the public implementation, which reproduces its splits.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "mambascope/data/random.h"
#include "mambascope/data/relation.h"

namespace mambascope {

struct RelationSplit {
  std::vector<Sample> train, test;
};

// Returns `count` training samples that cover as many objects as possible; the other samples are
// for testing. The samples are shuffled and grouped by object. Each group is shuffled. Then the
// groups give one sample each in turn. REQUIRES: count <= samples.size()
RelationSplit SplitSamples(std::vector<Sample> samples, size_t count, Random& random);

// Draws an edit target for each sample: the index of one of the samples for which `can_become` is
// true. A sample without such samples has no target. Equal samples have the same target.
std::vector<std::optional<size_t>> DrawEditTargets(
    const std::vector<Sample>& samples,
    const std::function<bool(size_t from, size_t to)>& can_become, Random& random);

}  // namespace mambascope
