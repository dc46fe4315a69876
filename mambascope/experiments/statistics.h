// Means over facts, and how sure they are.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace mambascope {

// REQUIRES: !values.empty()
double Mean(const std::vector<double>& values);

// The two-sided 95 % confidence interval of the mean of `values`, by Student's t distribution; none
// for fewer than two values.
std::optional<std::pair<double, double>> Interval95(const std::vector<double>& values);

// Of a percentage: cut at 0 and 100, since Student's t knows no bounds.
std::optional<std::pair<double, double>> CutAt100(
    std::optional<std::pair<double, double>> interval);

// What tables print of a percentage: `count` values, their mean, population standard deviation and
// Interval95.
struct Percentage {
  int64_t count = 0;
  double mean = 0, std = 0;
  std::optional<std::pair<double, double>> interval = {};
};

// Of shares, times 100; none of no shares.
std::optional<Percentage> MeanPercentage(const std::vector<double>& shares);

// The harmonic mean of percentages, each rounded to 2 decimals, as the public implementations of
// ROME and MEMIT take it; 0 where one is 0. REQUIRES: !percentages.empty()
double HarmonicMeanOfRounded(const std::vector<double>& percentages);

// The 97.5 % quantile of Student's t distribution with `freedom` degrees of freedom. REQUIRES:
// freedom >= 1
double StudentT(int64_t freedom);

}  // namespace mambascope
