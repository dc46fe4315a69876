// A self-contained HTML page of figures: it works from a file, without a network, in light and dark
// mode, on any text a prompt can hold.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "mambascope/checkpoint/json.h"

namespace mambascope {

struct Figure {
  std::string heading;
  std::string caption;  // how to read it; a newline is kept
  Json spec;  // Vega-Lite 6, its data inline; its boolean parameter `dark`, if it has one, is set
              // to the reader's mode
};

struct PageInfo {
  std::string title;
  std::vector<std::pair<std::string, std::string>>
      summary;  // what was run: model, prompt, answer, commit, options
};

// The document. It asks for nothing outside itself (its content security policy forbids it), holds
// the libraries that draw the figures (0.8 MB), offers each figure as PNG, SVG and JSON, and shows
// why a figure could not be drawn. The strings are text, never markup.
std::string HtmlPage(const PageInfo& info, const std::vector<Figure>& figures);

}  // namespace mambascope
