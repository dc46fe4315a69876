// What the specifications of all figures share: the head (name, title, fonts), an axis of labelled
// places, references, and colours that follow the parameter `dark`.
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
  std::string description;      // for those who cannot see it
  int width;                    // pixels, of the view without its axes and legends
};

// The specification that web/figure.vl.jsonc begins and `text`, a template (template.h) of the
// figure's kind, completes with `values`.
Json FigureSpec(const FigureHead& head, std::string_view text,
                const std::map<std::string, Json>& values);

// The horizontal position of what has the number `field` of a place, each place `step_width` pixels
// wide. The specification's parameter FIELD_labels holds the labels, of which as many are shown as
// leave each other room; those too long to lie flat (tokens) are tilted.
Json PlacePosition(const std::string& field, const std::string& title,
                   const std::vector<std::string>& labels, int step_width);

// [{"label", "value"}, ...]
Json ReferencesJson(const std::vector<Reference>& references);

// The expression that is the one colour on white and the other on black.
std::string ByMode(std::string_view on_white, std::string_view on_black);

}  // namespace mambascope
