// The text files embedded by web/web.S: the figure libraries from npm (web/package.json) and the
// page's own style and script.
#pragma once

#include <string_view>

namespace mambascope::web {

std::string_view
Licence();  // of vega, vega-lite and vega-embed, whose terms ask that copies carry it
std::string_view
Vega();  // these three scripts define the globals vega, vegaLite and vegaEmbed, in this order
std::string_view VegaLite();
std::string_view VegaEmbed();
std::string_view
Figure();  // the specifications that figure.cc and the figures of these names complete
std::string_view DotPlot();
std::string_view HeatMap();
std::string_view LineChart();
std::string_view Scatter();
std::string_view PageCss();
std::string_view PageJs();  // draws the page's specifications

}  // namespace mambascope::web
