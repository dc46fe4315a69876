// Which samples of a relation an operator is made from, which it is tested on, and what each test
// sample is edited to (Hernandez et al. 2023, sections 4.1 and 4.2). Drawn from the generator as
// the public implementation draws them, so that its splits can be drawn again.
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

// `count` samples to train on that cover as many objects as they can, the rest to test on. The
// samples are shuffled and grouped by object; the groups are shuffled, and give one sample each in
// turn. REQUIRES: count <= samples.size()
RelationSplit SplitSamples(std::vector<Sample> samples, size_t count, Random& random);

// For each sample another one, drawn among those that it `can_become`; none where there is none.
std::vector<std::optional<size_t>> DrawEditTargets(
    const std::vector<Sample>& samples,
    const std::function<bool(size_t from, size_t to)>& can_become, Random& random);

}  // namespace mambascope
