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

std::string Tables(const std::vector<PageTable>& tables) {
  std::string html;
  for (const PageTable& table : tables) {
    html += fmt::format(
        "<div class=\"table\"><h2>{}</h2>\n<p class=\"caption\">{}</p>\n<table>\n{}",
        EscapeHtml(table.heading), EscapeHtml(table.caption), TableRow("th", table.columns, ""));
    for (const PageTable::Row& row : table.rows)
      html += TableRow("td", row.cells, row.is_marked ? " class=\"marked\"" : "");
    html += "</table></div>\n";
  }
  return html;
}

std::string MadeBy(const std::string& command, const PageLines& options) {
  if (options.empty() && command.empty()) return "";
  return fmt::format(
      "<details class=\"made-by\"><summary>How this was made</summary>\n{}{}</details>\n",
      command.empty() ? "" : fmt::format("<pre>{}</pre>\n", EscapeHtml(command)),
      DefinitionList(options));
}

std::string ContentsItem(const std::string& id, const std::string& heading) {
  return fmt::format("<li><a href=\"#{}\">{}</a></li>\n", id, EscapeHtml(heading));
}

std::string Contents(const Page& page) {
  std::string items;
  for (size_t i = 0; i < page.figures.size(); ++i)
    items += ContentsItem(fmt::format("figure-{}", i + 1), page.figures[i].heading);
  for (size_t i = 0; i < page.chapters.size(); ++i)
    items += ContentsItem(fmt::format("chapter-{}", i + 1), page.chapters[i].heading);
  if (!page.facts.is_null()) items += ContentsItem("facts", "Facts");
  if (page.figures.size() + page.chapters.size() + (page.facts.is_null() ? 0 : 1) < 2) return "";
  return fmt::format("<nav><ol>\n{}</ol></nav>\n", items);
}

std::string Paragraph(const char* of_class, const std::string& text) {
  return text.empty() ? "" : fmt::format("<p class=\"{}\">{}</p>\n", of_class, EscapeHtml(text));
}

std::string Section(const Figure& figure, size_t number) {
  return fmt::format(R"(<section id="figure-{}">
<h2>{}</h2>
{}{}{}<p class="caption">{}</p>
<div class="plot"></div>
<div class="actions"></div>
{}<details class="specification"><summary>Specification and data (Vega-Lite JSON)</summary>
<pre></pre></details>
<script type="application/json">{}</script>
</section>
)",
                     number, EscapeHtml(figure.heading), Paragraph("of", figure.of),
                     Paragraph("finding", figure.finding), Paragraph("range", figure.range),
                     EscapeHtml(figure.caption), MadeBy(figure.command, figure.made_by),
                     ScriptJson(figure.spec));
}

std::string Chapters(const std::vector<Chapter>& chapters) {
  std::string html;
  size_t figure = 0;
  for (size_t i = 0; i < chapters.size(); ++i) {
    html += fmt::format("<div class=\"chapter\" id=\"chapter-{}\">\n<h1>{}</h1>\n", i + 1,
                        EscapeHtml(chapters[i].heading));
    html += "<div class=\"figures\">\n";
    for (const std::vector<Figure>& row : chapters[i].rows) {
      html += row.size() == 1 ? "" : "<div class=\"row\">\n";
      for (const Figure& one : row) html += Section(one, ++figure);
      html += row.size() == 1 ? "" : "</div>\n";
    }
    html += "</div>\n" + Tables(chapters[i].tables) + "</div>\n";
  }
  return html;
}

std::string FactBrowser(const Json& facts) {
  if (facts.is_null()) return "";
  return fmt::format(
      "<div class=\"chapter\" id=\"facts\">\n<h1>Facts</h1>\n<script "
      "type=\"application/json\">{}</script>\n</div>\n",
      ScriptJson(facts));
}

}  // namespace

std::string HtmlPage(const Page& page) {
  const PageInfo& info = page.info;
  const std::string title = EscapeHtml(info.title);
  std::string html = fmt::format(R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{}</title>
<style>
{}{}</style>
</head>
<body>
<main{}>
<header><h1>{}</h1><button id="theme" type="button">Light / dark</button></header>
)",
                                 kPolicy, title, web::BaseCss(), web::PageCss(),
                                 page.chapters.empty() ? "" : " class=\"report\"", title);
  html += DefinitionList(info.summary) + Tables(info.tables) + MadeBy("", info.made_by) +
          Contents(page);
  for (size_t i = 0; i < page.figures.size(); ++i) html += Section(page.figures[i], i + 1);
  html += Chapters(page.chapters) + FactBrowser(page.facts) + Tables(page.tables);
  html += fmt::format(
      "<footer>Made by mambascope. Figures: Vega-Lite.</footer>\n</main>\n<!-- vega, vega-lite and "
      "vega-embed:\n{}-->\n",
      web::Licence());
  for (std::string_view code :
       {web::Vega(), web::VegaLite(), web::VegaEmbed(), web::ThemeJs(), web::PageJs()})
    html += InlineScript(code);
  if (!page.facts.is_null()) html += InlineScript(web::FactsJs());
  return html + "</body>\n</html>\n";
}

}  // namespace mambascope
