// These functions return the text files that web/web.S embeds: the figure libraries from npm
// (web/package.json), templates of figures, and the page's own style and script.
#pragma once

#include <string_view>

namespace mambascope::web {

// The licence of vega, vega-lite and vega-embed. Its terms ask that copies carry it.
std::string_view Licence();

// These scripts define the globals vega, vegaLite and vegaEmbed. They are loaded in this order.
std::string_view Vega();
std::string_view VegaLite();
std::string_view VegaEmbed();

// Templates (template.h) of specifications. Figure is the head of all of them.
std::string_view Figure();
std::string_view DotPlot();
std::string_view HeatMap();
std::string_view HeatPanels();
std::string_view LineChart();
std::string_view LinePanels();
std::string_view Scatter();

std::string_view BaseCss();  // what PageCss and ServeCss need
std::string_view PageCss();
std::string_view ThemeJs();   // what PageJs and RenderJs need
std::string_view PageJs();    // draws the page's specifications
std::string_view RenderJs();  // draws specifications in Node.js
std::string_view FactsJs();   // the fact browser of a report

// The page of `serve` (mambascope/serve/web), with its scripts as one.
std::string_view ServeHtml();
std::string_view ServeCss();
std::string_view ServeJs();

}  // namespace mambascope::web
