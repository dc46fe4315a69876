// This file embeds the text files of HTML pages and figures in the library, as read-only data from NAME to NAME_end (declared in web.cc).
// cmake/web.cmake sets the include path to this folder and to node_modules, and makes this file depend on the files that it includes.
  .section .rodata, "a"

.macro embed name, path
  .global mambascope_web_\name
  .hidden mambascope_web_\name
  .global mambascope_web_\name\()_end
  .hidden mambascope_web_\name\()_end
mambascope_web_\name:
  .incbin "\path"
mambascope_web_\name\()_end:
.endm

  embed licence, "vega/LICENSE"
  embed vega, "vega/build/vega.min.js"
  embed vega_lite, "vega-lite/build/vega-lite.min.js"
  embed vega_embed, "vega-embed/build/vega-embed.min.js"
  embed dot_plot, "dot_plot.vl.jsonc"
  embed figure, "figure.vl.jsonc"
  embed heat_map, "heat_map.vl.jsonc"
  embed heat_panels, "heat_panels.vl.jsonc"
  embed line_chart, "line_chart.vl.jsonc"
  embed line_panels, "line_panels.vl.jsonc"
  embed scatter, "scatter.vl.jsonc"
  embed base_css, "base.css"
  embed page_css, "page.css"
  embed theme_js, "theme.js"
  embed page_js, "page.js"
  embed facts_js, "facts.js"
  embed render_js, "render.js"
  embed serve_html, "serve.html"
  embed serve_css, "serve.css"
  embed serve_js, "serve.js"

  .section .note.GNU-stack, "", %progbits
