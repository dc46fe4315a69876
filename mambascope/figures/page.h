// A self-contained HTML page of figures. It works from a file, without a network, in light and dark
// mode, and on any text that a prompt can hold.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "mambascope/checkpoint/json.h"

namespace mambascope {

using PageLines = std::vector<std::pair<std::string, std::string>>;  // names and values

struct Figure {
  std::string heading;
  std::string caption;  // how to read the figure; newlines are kept
  // Vega-Lite 6, with the data inline. The page sets its boolean parameter `dark`, if it has one,
  // to the reader's mode. Views and layers whose name begins with "helper" are not saved.
  Json spec;
  // In reports, which show figures of several runs:
  // What the result's numbers say; only in its first figure.
  std::string finding = {};
  std::string range = {};    // the largest and the smallest of the figure's numbers
  std::string of = {};       // whose figure it is
  std::string command = {};  // the command that makes it
  PageLines made_by = {};    // the options that made it
};

// A table of texts.
struct PageTable {
  std::string heading;
  std::string caption;  // how to read it; newlines are kept
  std::vector<std::string> columns;
  struct Row {
    std::vector<std::string> cells;  // one per column
    bool is_marked = false;
  };
  std::vector<Row> rows;
};

struct PageInfo {
  std::string title;       // of the page and of its tab
  PageLines summary = {};  // what was run and found: model, prompt, answer
  PageLines made_by = {};  // the options that made it, folded away under "How this was made"
  std::vector<PageTable> tables = {};  // below the summary
};

// A part of a report. Figures of a row stand side by side where there is room.
struct Chapter {
  std::string heading;
  std::vector<std::vector<Figure>> rows = {};
  std::vector<PageTable> tables = {};  // below the figures
};

// What a page holds: figures, or as a report chapters of figures.
struct Page {
  PageInfo info;
  std::vector<Figure> figures = {};
  std::vector<Chapter> chapters = {};
  std::vector<PageTable> tables = {};  // at the end
  Json facts = {};  // of the fact browser (reports/fact_browser.h); null: the page has none
};

// Returns the document. It loads nothing from outside; its content security policy forbids that. It
// holds the libraries that draw the figures (0.8 MB), and offers each figure as PNG, SVG and JSON.
// A saved picture is for white paper and has no helpers, unless the reader asks for the figure as
// it is shown. The page says why a figure cannot be drawn. All strings are text, never markup.
std::string HtmlPage(const Page& page);

}  // namespace mambascope
