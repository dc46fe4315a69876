// Returns views of the bytes between the symbols of web/web.S.
#include "mambascope/figures/web.h"

#define MAMBASCOPE_WEB_FILE(Function, name)                                            \
  extern "C" const char mambascope_web_##name[];                                       \
  extern "C" const char mambascope_web_##name##_end[];                                 \
  std::string_view mambascope::web::Function() {                                       \
    return {mambascope_web_##name,                                                     \
            static_cast<size_t>(mambascope_web_##name##_end - mambascope_web_##name)}; \
  }

MAMBASCOPE_WEB_FILE(Licence, licence)
MAMBASCOPE_WEB_FILE(Vega, vega)
MAMBASCOPE_WEB_FILE(VegaLite, vega_lite)
MAMBASCOPE_WEB_FILE(VegaEmbed, vega_embed)
MAMBASCOPE_WEB_FILE(DotPlot, dot_plot)
MAMBASCOPE_WEB_FILE(Figure, figure)
MAMBASCOPE_WEB_FILE(HeatMap, heat_map)
MAMBASCOPE_WEB_FILE(HeatPanels, heat_panels)
MAMBASCOPE_WEB_FILE(LineChart, line_chart)
MAMBASCOPE_WEB_FILE(LinePanels, line_panels)
MAMBASCOPE_WEB_FILE(Scatter, scatter)
MAMBASCOPE_WEB_FILE(BaseCss, base_css)
MAMBASCOPE_WEB_FILE(PageCss, page_css)
MAMBASCOPE_WEB_FILE(ThemeJs, theme_js)
MAMBASCOPE_WEB_FILE(PageJs, page_js)
MAMBASCOPE_WEB_FILE(FactsJs, facts_js)
MAMBASCOPE_WEB_FILE(RenderJs, render_js)
MAMBASCOPE_WEB_FILE(ServeHtml, serve_html)
MAMBASCOPE_WEB_FILE(ServeCss, serve_css)
MAMBASCOPE_WEB_FILE(ServeJs, serve_js)

#undef MAMBASCOPE_WEB_FILE
