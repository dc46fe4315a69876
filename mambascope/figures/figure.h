// The specifications of all figures share these parts: the head (name, title, fonts), an axis of
// labelled places, references, and colours that follow the parameter `dark`.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/figures/grid.h"

namespace mambascope {

struct FigureHead {
  std::string name;             // machine-readable, and the name of saved pictures
  std::string title, subtitle;  // broken into lines that fit above the figure
  std::string description;      // for screen readers
  int width;                    // pixels, of the view without its axes and legends
};

// Returns the specification that web/figure.vl.jsonc begins. The template `text` (template.h) of
// the figure's kind completes it with `values`.
Json FigureSpec(const FigureHead& head, std::string_view text,
                const std::map<std::string, Json>& values);

// Labels that are too long to lie flat, such as tokens, are tilted.
bool IsTilted(const std::vector<std::string>& labels);

// The pixels that each label needs along the axis.
int LabelWidth(const std::vector<std::string>& labels, bool tilted);

// The smallest of 1, 2, 5, 10, 20, ... steps that leaves a label `width` pixels.
int LabelStep(double pixels_per_step, int width);

// The properties of an axis whose labels lie flat or are tilted.
Json LabelShape(bool tilted);

// The horizontal position of equally spaced places, such as the columns of a grid. `field` holds a
// place's index, and a place is `step_width` pixels wide. The specification's parameter
// FIELD_labels holds the labels; only labels that leave each other room are shown.
Json PlacePosition(const std::string& field, const std::string& title,
                   const std::vector<std::string>& labels, int step_width);

// One line of a tooltip: the value of a field of the data, under a title.
Json TooltipField(const std::string& field, const std::string& title);

// [{"label", "value"}, ...]
Json ReferencesJson(const std::vector<Reference>& references);

// The expression for a colour that is `on_white` on white paper and `on_black` in dark mode.
std::string ByMode(std::string_view on_white, std::string_view on_black);

// The colour of the curve or series with this index, in both modes. Colours repeat after
// kCurveColours.
Json SeriesColour(size_t index);

}  // namespace mambascope
