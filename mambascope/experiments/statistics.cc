#include "mambascope/experiments/statistics.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace mambascope {

double Mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

namespace {

// The probability that |t| is at most tan(angle) * sqrt(freedom) (Abramowitz & Stegun, 26.7.3
// and 26.7.4).
double Within(double angle, int64_t freedom) {
  const double cosine = std::cos(angle), sine = std::sin(angle);
  const bool odd = freedom % 2 == 1;
  double term = odd ? cosine : 1, sum = freedom > 1 ? term : 0;
  for (int64_t k = odd ? 3 : 2; k < freedom; k += 2) {
    term *= cosine * cosine * static_cast<double>(k - 1) / static_cast<double>(k);
    sum += term;
  }
  return odd ? 2 / std::numbers::pi * (angle + sine * sum) : sine * sum;
}

}  // namespace

double StudentT(int64_t freedom) {
  constexpr double z = 1.959963984540054;  // 97.5 % quantile of the normal distribution
  // For more degrees of freedom, the quantile is z up to 2e-6.
  constexpr int64_t kMany = 1'000'000;
  if (freedom > kMany) return z;
  double low = 0, high = std::numbers::pi / 2;
  for (int i = 0; i < 60; ++i)
    (Within((low + high) / 2, freedom) < 0.95 ? low : high) = (low + high) / 2;
  return std::tan(low) * std::sqrt(static_cast<double>(freedom));
}

std::optional<std::pair<double, double>> Interval95(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  if (values.size() < 2) return std::nullopt;
  const double mean = Mean(values);
  double squares = 0;
  for (double value : values) squares += (value - mean) * (value - mean);
  const double half =
      StudentT(static_cast<int64_t>(values.size()) - 1) * std::sqrt(squares / (n - 1) / n);
  return std::pair(mean - half, mean + half);
}

std::optional<std::pair<double, double>> CutAt100(
    std::optional<std::pair<double, double>> interval) {
  if (interval) interval = {std::max(interval->first, 0.0), std::min(interval->second, 100.0)};
  return interval;
}

std::optional<Percentage> MeanPercentage(const std::vector<double>& shares) {
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
  // Where a percentage is 0, its inverse is infinite and the mean is 0.
  return static_cast<double>(percentages.size()) / inverse;
}

}  // namespace mambascope
