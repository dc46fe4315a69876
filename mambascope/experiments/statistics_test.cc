// Compares means and intervals with printed tables and numbers worked out by hand.
#include "mambascope/experiments/statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace mambascope {
namespace {

// 97.5 % quantiles, as tables of the t distribution print them.
constexpr std::pair<double, double> kTable[] = {
    {1, 12.7062},  {2, 4.30265},  {3, 3.18245},  {4, 2.77645},  {5, 2.57058},   {6, 2.44691},
    {7, 2.36462},  {8, 2.30600},  {9, 2.26216},  {10, 2.22814}, {15, 2.13145},  {20, 2.08596},
    {30, 2.04227}, {40, 2.02108}, {60, 2.00030}, {99, 1.98422}, {120, 1.97993}, {1e9, 1.95996}};

TEST(StudentTTest, IsTheTables) {
  for (const auto& [freedom, quantile] : kTable)
    EXPECT_NEAR(StudentT(freedom), quantile, 6e-6 * quantile) << freedom;
  for (double freedom : {1, 2, 5, 10, 30, 120}) {
    EXPECT_GT(StudentT(freedom), StudentT(freedom + 1)) << freedom;
    EXPECT_GT(StudentT(freedom), StudentT(1e12)) << freedom;
  }
}

TEST(MeanTest, IsTheMean) {
  EXPECT_EQ(Mean({3.5}), 3.5);
  EXPECT_EQ(Mean({1, 2, 6}), 3);
  EXPECT_EQ(Mean({-1, 1}), 0);
}

TEST(IntervalTest, IsStudentsWorkedOutByHand) {
  // Mean 2.5, variance 5 / 3, standard error sqrt(5 / 12).
  const auto [low, high] = Interval95({1, 2, 3, 4}).value();
  EXPECT_NEAR((low + high) / 2, 2.5, 1e-12);
  EXPECT_NEAR((high - low) / 2, 3.18245 * std::sqrt(5.0 / 12), 0.005);
  // With two values, the standard error is half their distance.
  const auto [below, above] = Interval95({0.25, 1}).value();
  EXPECT_NEAR(below, 0.625 - 12.7062 * 0.375, 1e-4);
  EXPECT_NEAR(above, 0.625 + 12.7062 * 0.375, 1e-4);
}

TEST(IntervalTest, ShiftsAndScalesWithItsValues) {
  const auto [low, high] = Interval95({0.1, 0.7, 0.2, 0.4, 0.9}).value();
  const auto [shifted_low, shifted_high] =
      Interval95({5.2, 6.4, 5.4, 5.8, 6.8}).value();  // 5 + 2 x
  EXPECT_NEAR(shifted_low, 5 + 2 * low, 1e-12);
  EXPECT_NEAR(shifted_high, 5 + 2 * high, 1e-12);
}

TEST(IntervalTest, EqualValuesLeaveNoDoubtAndOneValueNoInterval) {
  EXPECT_EQ(Interval95({0.5, 0.5, 0.5}), std::pair(0.5, 0.5));
  EXPECT_EQ(Interval95({0.5}), std::nullopt);
  EXPECT_EQ(Interval95({}), std::nullopt);
}

TEST(PercentageTest, IsWorkedOutByHand) {
  const Percentage p = MeanPercentage({0.1, 0.2, 0.3, 0.4}).value();
  EXPECT_EQ(p.count, 4);
  EXPECT_NEAR(p.mean, 25, 1e-12);
  EXPECT_NEAR(p.std, std::sqrt(125), 1e-12) << "divided by 4, not by 3";
  EXPECT_NEAR(p.interval->second - p.mean, 31.8245 * std::sqrt(5.0 / 12), 0.05);
  EXPECT_EQ(MeanPercentage({0.5})->std, 0);
  EXPECT_EQ(MeanPercentage({0.5})->interval, std::nullopt);
  EXPECT_FALSE(MeanPercentage({}));
}

TEST(CutAt100Test, KeepsWhatIsBetween) {
  EXPECT_EQ(CutAt100({{-5, 120}}), std::pair(0.0, 100.0));
  EXPECT_EQ(CutAt100({{5, 20}}), std::pair(5.0, 20.0));
  EXPECT_EQ(CutAt100(std::nullopt), std::nullopt);
}

TEST(HarmonicMeanTest, IsOfThePercentagesAsTheyArePrinted) {
  EXPECT_EQ(HarmonicMeanOfRounded({50, 50, 50}), 50);
  EXPECT_NEAR(HarmonicMeanOfRounded({100, 50, 25}), 300.0 / 7, 1e-12);
  EXPECT_EQ(HarmonicMeanOfRounded({66.6666}), 66.67);
  EXPECT_EQ(HarmonicMeanOfRounded({100, 0, 50}), 0);
}

}  // namespace
}  // namespace mambascope
