#include "mambascope/experiments/statistics.h"

#include <cmath>
#include <numbers>
#include <numeric>

namespace mambascope {

double Mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double StudentT(int64_t freedom) {
  constexpr double p = 0.975, z = 1.959963984540054;  // the normal distribution's quantile
  if (freedom < 2) return std::tan(std::numbers::pi * (p - 0.5));
  if (freedom < 3) return (2 * p - 1) * std::sqrt(2 / (4 * p * (1 - p)));
  // Cornish-Fisher expansion in 1 / freedom (Abramowitz & Stegun, 26.7.5).
  const double z2 = z * z, v = static_cast<double>(freedom);
  const double g1 = z * (z2 + 1) / 4, g2 = z * ((5 * z2 + 16) * z2 + 3) / 96, g3 = z * (((3 * z2 + 19) * z2 + 17) * z2 - 15) / 384,
               g4 = z * ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945) / 92160;
  return z + (g1 + (g2 + (g3 + g4 / v) / v) / v) / v;
}

std::optional<std::pair<double, double>> Interval95(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  if (values.size() < 2) return std::nullopt;
  const double mean = Mean(values);
  double squares = 0;
  for (double value : values) squares += (value - mean) * (value - mean);
  const double half = StudentT(static_cast<int64_t>(values.size()) - 1) * std::sqrt(squares / (n - 1) / n);
  return std::pair(mean - half, mean + half);
}

std::optional<Percentage> PercentageOf(const std::vector<double>& shares) {
  if (shares.empty()) return std::nullopt;
  std::vector<double> percent = shares, squares;
  for (double& p : percent) p *= 100;
  Percentage out{.count = static_cast<int64_t>(shares.size()), .mean = Mean(percent)};
  for (double p : percent) squares.push_back((p - out.mean) * (p - out.mean));
  out.std = std::sqrt(Mean(squares));
  out.interval = Interval95(percent);
  return out;
}

double HarmonicMeanOfRounded(const std::vector<double>& percentages) {
  double inverse = 0;
  for (double p : percentages) inverse += 1 / (std::round(p * 100) / 100);
  return static_cast<double>(percentages.size()) / inverse;  // 1 / 0 is infinite, and the mean 0
}

}  // namespace mambascope
