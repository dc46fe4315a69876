// The texts of a page. None of them may begin or end an element: whatever they hold, the page has
// as many < as a page of harmless texts.
#include <algorithm>

#include "mambascope/figures/page.h"
#include "tests/fuzz/fuzz.h"

namespace mambascope {
namespace {

// `text` stands wherever a result can bring a text.
std::string PageOf(const std::string& text) {
  const Figure figure{.heading = text,
                      .caption = text,
                      .spec = {{"title", text}, {text + "k", {text}}},
                      .finding = text + "f",
                      .range = text + "r",
                      .of = text + "o",
                      .command = text + "c",
                      .made_by = {{text, text}}};
  const PageTable table{text, text, {text}, {{{text}, true}}};
  return HtmlPage({.info = {text, {{text, text}}, {{text, text}}, {table}},
                   .figures = {figure},
                   .chapters = {{.heading = text, .rows = {{figure, figure}}}},
                   .facts = {{text + "k", text}}});
}

int64_t CountElements(const std::string& page) { return std::count(page.begin(), page.end(), '<'); }

}  // namespace
}  // namespace mambascope

FUZZ(Page) {
  using namespace mambascope;
  static const auto expected = CountElements(PageOf("harmless"));
  if (CountElements(PageOf(std::string(input))) != expected)
    throw std::logic_error("a text has become markup");
}
