#include "mambascope/figures/palette.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace mambascope {
namespace {

using Vec = std::array<double, 3>;
using Matrix = std::array<Vec, 3>;

Vec operator*(const Matrix& m, const Vec& v) {
  Vec product = {};
  for (int i = 0; i < 3; ++i) product[i] = m[i][0] * v[0] + m[i][1] * v[1] + m[i][2] * v[2];
  return product;
}

// Linear red, green and blue of #rrggbb.
Vec Linear(std::string_view colour) {
  Vec rgb;
  for (int i = 0; i < 3; ++i) {
    const double c = std::stoi(std::string(colour.substr(1 + 2 * i, 2)), nullptr, 16) / 255.0;
    rgb[i] = c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
  }
  return rgb;
}

// WCAG's contrast of two colours.
double Contrast(std::string_view a, std::string_view b) {
  auto luminance = [](const Vec& c) { return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2]; };
  const auto [low, high] = std::minmax({luminance(Linear(a)), luminance(Linear(b))});
  return (high + 0.05) / (low + 0.05);
}

Vec OkLab(Vec rgb) {
  for (double& c : rgb) c = std::clamp(c, 0.0, 1.0);
  Vec lms = Matrix{{{0.4122214708, 0.5363325363, 0.0514459929},
                    {0.2119034982, 0.6806995451, 0.1073969566},
                    {0.0883024619, 0.2817188376, 0.6299787005}}} *
            rgb;
  for (double& c : lms) c = std::cbrt(c);
  return Matrix{{{0.2104542553, 0.7936177850, -0.0040720468},
                 {1.9779984951, -2.4285922050, 0.4505937099},
                 {0.0259040371, 0.7827717662, -0.8086757660}}} *
         lms;
}

// The least distance as seen normally, in protanopia and in deuteranopia (Machado et al. 2009,
// severity 1).
double Distance(std::string_view a, std::string_view b) {
  constexpr Matrix kSights[] = {{{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}},
                                {{{0.152286, 1.052583, -0.204868},
                                  {0.114503, 0.786281, 0.099216},
                                  {-0.003882, -0.048116, 1.051998}}},
                                {{{0.367322, 0.860646, -0.227968},
                                  {0.280085, 0.672501, 0.047413},
                                  {-0.011820, 0.042940, 0.968881}}}};
  double least = INFINITY;
  for (const Matrix& sight : kSights) {
    const Vec p = OkLab(sight * Linear(a)), q = OkLab(sight * Linear(b));
    least = std::min(least, std::hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]));
  }
  return least;
}

TEST(Palette, StandsOutFromItsPaper) {
  for (const CurveColour& colour : kCurveColours) {
    EXPECT_GE(Contrast(colour.on_white, "#ffffff"), 3) << colour.on_white;
    EXPECT_GE(Contrast(colour.on_black, "#17171a"), 3) << colour.on_black;
  }
}

TEST(Palette, StaysApartForTheColourBlind) {
  for (const CurveColour& a : kCurveColours)
    for (const CurveColour& b : kCurveColours) {
      if (&a == &b) continue;
      EXPECT_GE(Distance(a.on_white, b.on_white), 0.08) << a.on_white << " and " << b.on_white;
      EXPECT_GE(Distance(a.on_black, b.on_black), 0.12) << a.on_black << " and " << b.on_black;
    }
  EXPECT_LT(Distance("#d55e00", "#b08400"), 0.08)
      << "vermilion and ochre, which deuteranopia confuses";
}

}  // namespace
}  // namespace mambascope
