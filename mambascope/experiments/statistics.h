// Means over facts, and confidence intervals of these means.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace mambascope {

// REQUIRES: !values.empty()
double Mean(const std::vector<double>& values);

// The two-sided 95 % confidence interval of the mean of `values`, by Student's t distribution.
// Returns nullopt for fewer than two values.
std::optional<std::pair<double, double>> Interval95(const std::vector<double>& values);

// Cuts an interval of a percentage off at 0 and 100, which Student's t distribution can exceed.
std::optional<std::pair<double, double>> CutAt100(
    std::optional<std::pair<double, double>> interval);

// Summary of `count` percentages, as tables print it. `std` is the population standard deviation,
// `interval` is Interval95.
struct Percentage {
  int64_t count = 0;
  double mean = 0, std = 0;
  std::optional<std::pair<double, double>> interval = {};
};

// Converts shares from 0 to 1 into percent and summarizes them. Returns nullopt when there are
// none.
std::optional<Percentage> MeanPercentage(const std::vector<double>& shares);

// The harmonic mean of percentages that are rounded to 2 decimals first, as in the public
// implementations of ROME and MEMIT. It is 0 where one of them is 0. REQUIRES: !percentages.empty()
double HarmonicMeanOfRounded(const std::vector<double>& percentages);

// The 97.5 % quantile of Student's t distribution with `freedom` degrees of freedom. REQUIRES:
// freedom >= 1
double StudentT(int64_t freedom);

}  // namespace mambascope
