#include "mambascope/figures/page.h"

#include <fmt/format.h>

#include "mambascope/figures/web.h"

namespace mambascope {
namespace {

// The page's own scripts may run, but nothing may be fetched. Expressions in specifications are
// interpreted, so that eval stays forbidden.
constexpr char kPolicy[] =
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: "
    "blob:";

void ReplaceAll(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

// Escapes text for an element or a quoted attribute.
std::string EscapeHtml(std::string_view text) {
  std::string escaped;
  for (char c : text) {
    switch (c) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      case '\'': escaped += "&#39;"; break;
      case '\0': escaped += "\uFFFD"; break;  // not allowed in HTML
      default: escaped += c;
    }
  }
  return escaped;
}

// Returns JSON for a script element. It is ASCII, and has no < that could end the element or open a
// comment in it. Bytes that are not UTF-8 become U+FFFD.
std::string ScriptJson(const Json& json) {
  std::string text = json.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
  ReplaceAll(text, "<", "\\u003c");  // in JSON a < is always inside a string
  return text;
}

// Returns a script element. Text that would end it or open a comment can only stand in a string or
// regular expression, where a backslash is harmless. The name of a source map is left out, because
// the browser's developer tools would look for that file.
std::string InlineScript(std::string_view code) {
  std::string text(code.substr(0, code.find("//# sourceMappingURL=")));
  ReplaceAll(text, "</script", "<\\/script");
  ReplaceAll(text, "<!--", "<\\!--");
  return fmt::format("<script>\n{}\n</script>\n", text);
}

std::string DefinitionList(const PageLines& lines) {
  std::string rows;
  for (const auto& [key, value] : lines)
    rows += fmt::format("<dt>{}</dt><dd>{}</dd>\n", EscapeHtml(key), EscapeHtml(value));
  return rows.empty() ? "" : fmt::format("<dl>\n{}</dl>\n", rows);
}

std::string TableRow(const char* cell, const std::vector<std::string>& texts,
                     const char* attributes) {
  std::string row = fmt::format("<tr{}>", attributes);
  for (const std::string& text : texts)
    row += fmt::format("<{0}>{1}</{0}>", cell, EscapeHtml(text));
  return row + "</tr>\n";
}

std::string Tables(const PageInfo& info) {
  std::string html;
  for (const PageTable& table : info.tables) {
    html += fmt::format(
        "<div class=\"table\"><h2>{}</h2>\n<p class=\"caption\">{}</p>\n<table>\n{}",
        EscapeHtml(table.heading), EscapeHtml(table.caption), TableRow("th", table.columns, ""));
    for (const PageTable::Row& row : table.rows)
      html += TableRow("td", row.cells, row.is_marked ? " class=\"marked\"" : "");
    html += "</table></div>\n";
  }
  return html;
}

std::string MadeBy(const PageInfo& info) {
  if (info.made_by.empty()) return "";
  return fmt::format(
      "<details class=\"made-by\"><summary>How this was made</summary>\n{}</details>\n",
      DefinitionList(info.made_by));
}

std::string Contents(const std::vector<Figure>& figures) {
  if (figures.size() < 2) return "";
  std::string items;
  for (size_t i = 0; i < figures.size(); ++i)
    items += fmt::format("<li><a href=\"#figure-{}\">{}</a></li>\n", i + 1,
                         EscapeHtml(figures[i].heading));
  return fmt::format("<nav><ol>\n{}</ol></nav>\n", items);
}

std::string Section(const Figure& figure, size_t number) {
  return fmt::format(R"(<section id="figure-{}">
<h2>{}</h2>
<p class="caption">{}</p>
<div class="plot"></div>
<div class="actions"></div>
<details><summary>Specification and data (Vega-Lite JSON)</summary><pre></pre></details>
<script type="application/json">{}</script>
</section>
)",
                     number, EscapeHtml(figure.heading), EscapeHtml(figure.caption),
                     ScriptJson(figure.spec));
}

}  // namespace

std::string HtmlPage(const PageInfo& info, const std::vector<Figure>& figures) {
  const std::string title = EscapeHtml(info.title);
  std::string html = fmt::format(R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{}</title>
<style>
{}</style>
</head>
<body>
<main>
<header><h1>{}</h1><button id="theme" type="button">Light / dark</button></header>
)",
                                 kPolicy, title, web::PageCss(), title);
  html += DefinitionList(info.summary) + Tables(info) + MadeBy(info) + Contents(figures);
  for (size_t i = 0; i < figures.size(); ++i) html += Section(figures[i], i + 1);
  html += fmt::format(
      "<footer>Made by mambascope. Figures: Vega-Lite.</footer>\n</main>\n<!-- vega, vega-lite and "
      "vega-embed:\n{}-->\n",
      web::Licence());
  for (std::string_view code : {web::Vega(), web::VegaLite(), web::VegaEmbed(), web::PageJs()})
    html += InlineScript(code);
  return html + "</body>\n</html>\n";
}

}  // namespace mambascope
