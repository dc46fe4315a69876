#include "mambascope/figures/page.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mambascope/figures/browser_test_support.h"
#include "mambascope/figures/heat_map.h"

namespace mambascope {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kHostile[] =
    "</script><script>document.documentElement.dataset.hacked = 1</script><!-- & \"quoted\" 'too'";

// Three tokens by three layers, one cell without a value.
Grid SmallGrid() {
  return {.name = "small",
          .title = "Small",
          .row_title = "token",
          .column_title = "layer",
          .value_title = "p(answer)",
          .rows = {" Needle", kHostile, " city"},
          .columns = {"0", "1", "2"},
          .values = {{0.9, 0.5, 0.1}, {0.1, 0.3, std::nullopt}, {0.1, 0.2, 0.3}},
          .marked_rows = {0},
          .references = {{"corrupted", 0.05}}};
}

std::string Page(const std::string& text) {
  return HtmlPage({{text, {{"prompt", text}}}, {{text, text, {{"title", text}}}}});
}

TEST(HtmlPage, EscapesTextEverywhere) {
  const std::string page = Page(kHostile);
  EXPECT_THAT(page, Not(HasSubstr("<script>document")));
  EXPECT_THAT(page, HasSubstr("<title>&lt;/script&gt;&lt;script&gt;document"));
  EXPECT_THAT(page, HasSubstr("<dd>&lt;/script&gt;"));
  EXPECT_THAT(page, HasSubstr("&amp; &quot;quoted&quot; &#39;too&#39;"));
}

TEST(HtmlPage, EmbedsJsonThatCannotEndItsScript) {
  EXPECT_THAT(Page(kHostile), HasSubstr(R"({"title":"\u003c/script>\u003cscript>document)"));
  EXPECT_THAT(Page("\u2028"), HasSubstr(R"({"title":"\u2028"})"));
  EXPECT_THAT(Page("\xf0\x9f"), HasSubstr(R"({"title":"\ufffd"})"));
}

TEST(HtmlPage, NamesNothingOutsideItself) {
  const std::string page = Page("text");
  EXPECT_THAT(page, HasSubstr("content=\"default-src 'none'; script-src 'unsafe-inline'; style-src "
                              "'unsafe-inline'; img-src data: blob:\""));
  EXPECT_THAT(page, Not(HasSubstr("sourceMappingURL")));
  const std::string own =
      page.substr(0, page.find("<!-- vega"));  // what the libraries say in their strings is theirs
  for (const char* tag : {"<link", " src=", "@import", "url(", "//"})
    EXPECT_THAT(own, Not(HasSubstr(tag)));
}

TEST(HtmlPage, ListsItsFiguresWhenThereAreSeveral) {
  const Figure figure{"One & two", "", Json::object()};
  EXPECT_THAT(HtmlPage({{"t", {}}, {figure, figure}}),
              HasSubstr("<a href=\"#figure-2\">One &amp; two</a>"));
  EXPECT_THAT(HtmlPage({{"t", {}}, {figure}}), Not(HasSubstr("<nav>")));
}

TEST(HtmlPage, FoldsTheOptionsAway) {
  const std::string page = HtmlPage({{"t", {{"model", "m"}}, {{"seed", "<0>"}}}, {}});
  EXPECT_THAT(page, HasSubstr("<dl>\n<dt>model</dt><dd>m</dd>\n</dl>\n<details class=\"made-by\">"
                              "<summary>How this was made</summary>\n<dl>\n"
                              "<dt>seed</dt><dd>&lt;0&gt;</dd>"));
  EXPECT_THAT(HtmlPage({{"t", {{"model", "m"}}}, {}}), Not(HasSubstr("How this was made")));
}

TEST(HtmlPage, HasTablesBelowTheSummary) {
  PageTable table{.heading = "Neighbors", .caption = "two <rows>", .columns = {"prompt", "after"}};
  table.rows = {{.cells = {"a & b", "x"}}, {.cells = {"c", "y"}, .is_marked = true}};
  const std::string page = HtmlPage({{.title = "t", .tables = {table}}, {}});
  EXPECT_THAT(page, HasSubstr("<h2>Neighbors</h2>\n<p class=\"caption\">two &lt;rows&gt;</p>"));
  EXPECT_THAT(page, HasSubstr("<tr><th>prompt</th><th>after</th></tr>\n"
                              "<tr><td>a &amp; b</td><td>x</td></tr>\n"
                              "<tr class=\"marked\"><td>c</td><td>y</td></tr>\n</table>"));
}

class HtmlPageInABrowser : public BrowserTest {};

// When the figures are drawn, notes in attributes of the root what the first one holds, clicks its
// last cell and notes what that changed.
constexpr char kPageProbe[] = R"(
const root = document.documentElement;
const marks = name => [...document.querySelectorAll(`#figure-1 g.role-mark.mark-${name} > *`)];
const isSeen = mark => mark.getAttribute('opacity') !== '0';
const lineLabels = () => marks('text').filter(t => t.getAttribute('font-weight') === '600').filter(isSeen).map(t => t.textContent).join();
setTimeout(() => {
  const cells = marks('rect').filter(rect => /p\(answer\)/.test(rect.getAttribute('aria-label')));
  Object.assign(root.dataset, {cells: cells.length, crossed: marks('rule').length, line: lineLabels()});
  cells.at(-1).dispatchEvent(new PointerEvent('click', {bubbles: true}));
}, 3000);
setTimeout(() => { root.dataset.lineAfterClick = lineLabels(); }, 5000);
)";

TEST_F(HtmlPageInABrowser, DrawsItsFiguresAndFollowsAClick) {
  const std::string page =
      HtmlPage({{kHostile, {{"prompt", kHostile}}},
                {{kHostile, "", HeatMap(SmallGrid())}, {"Again", "", HeatMap(SmallGrid())}}});
  const std::string dom = Open(page, kPageProbe);
  const std::string root = Root(dom);
  EXPECT_THAT(root, HasSubstr("data-state=\"drawn\""));
  EXPECT_THAT(root, HasSubstr("data-cells=\"9\""));
  EXPECT_THAT(root, HasSubstr("data-crossed=\"2\""))
      << "the cell without a value, and the reference line";
  EXPECT_THAT(root, HasSubstr("data-line=\"\u00b7Needle*\""));
  EXPECT_THAT(root, HasSubstr("data-line-after-click=\"\u00b7city\""));
  EXPECT_THAT(root, Not(HasSubstr("data-hacked")));
  EXPECT_THAT(dom, Not(HasSubstr("class=\"error\"")));
}

// In dark mode, saves the figure twice in each format: as it is by default, and as it is shown.
// Notes whether the SVGs have frames, lines and a dark background, and whether the first PNG is the
// shorter one.
constexpr char kSaveProbe[] = R"(
const root = document.documentElement, blobs = [], links = [];
URL.createObjectURL = blob => { blobs.push(blob); return 'blob:test'; };
HTMLAnchorElement.prototype.click = function () { links.push(this); };
const count = (text, pattern) => (text.match(pattern) || []).length;
const wait = () => new Promise(resolve => setTimeout(resolve, 800));
setTimeout(async () => {
  document.querySelector('#theme').click();
  await wait();
  const [svg, png] = document.querySelectorAll('#figure-1 .actions button');
  for (const asShown of [false, true]) {
    document.querySelector('#figure-1 .actions input').checked = asShown;
    for (const button of [svg, png]) { button.click(); await wait(); }
  }
  const texts = await Promise.all(blobs.map(blob => blob.text()));
  root.dataset.frames = texts.map(text => count(text, /stroke-width="1.25"/g));
  root.dataset.lines = texts.map(text => count(text, /class="mark-line/g) > 0);
  root.dataset.dark = texts.map(text => count(text, /fill="#17171a"/g) > 0);
  root.dataset.names = links.map(link => link.download);
  const heights = links.filter(link => link.href.startsWith('data:image/png;base64,')).map(link => {
    const bytes = atob(link.href.split(',')[1]);  // a PNG's bytes 20 to 23 are its height
    return bytes.charCodeAt(22) * 256 + bytes.charCodeAt(23);
  });
  root.dataset.shorter = heights.length === 2 && heights[0] > 0 && heights[0] + 300 < heights[1];
}, 2000);
)";

TEST_F(HtmlPageInABrowser, SavesFiguresWithoutSelectionUnlessAsked) {
  const std::string dom = Open(HtmlPage({{"t"}, {{"h", "", HeatMap(SmallGrid())}}}), kSaveProbe);
  const std::string root = Root(dom);
  EXPECT_THAT(root, HasSubstr("data-names=\"small.svg,small.png,small.svg,small.png\""));
  EXPECT_THAT(root, HasSubstr("data-frames=\"0,1\"")) << "the selection box";
  EXPECT_THAT(root, HasSubstr("data-lines=\"false,true\"")) << "the panel of curves";
  EXPECT_THAT(root, HasSubstr("data-dark=\"false,true\"")) << "for white paper";
  EXPECT_THAT(root, HasSubstr("data-shorter=\"true\"")) << "the PNG lacks the panel, too";
}

TEST_F(HtmlPageInABrowser, SaysWhichFigureItCannotDraw) {
  const std::string dom = Open(HtmlPage(
      {{"t", {}},
       {{"Bad",
         "",
         {{"$schema", "https://vega.github.io/schema/vega-lite/v6.json"}, {"mark", 3}}}}}));
  EXPECT_THAT(dom, HasSubstr("data-state=\"failed\""));
  EXPECT_THAT(dom, HasSubstr("<div class=\"error\">figure-1: "));
}

}  // namespace
}  // namespace mambascope
