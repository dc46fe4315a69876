// Figures as files: the specification, the picture and the numbers of each.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mambascope/figures/page.h"

namespace mambascope {

// Writes NN-NAME.vl.json, NN-NAME.csv and NN-NAME.svg for each figure of the report, in its order.
// The program `node` (Node.js) draws the pictures, without a browser. Returns the names of all
// files. Throws Error when a file cannot be written, and when there is no `node`; the other files
// are written before.
std::vector<std::string> WriteFigureFiles(const Page& report, const std::filesystem::path& folder);

}  // namespace mambascope
