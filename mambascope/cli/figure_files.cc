#include "mambascope/cli/figure_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

#include "mambascope/checkpoint/file.h"
#include "mambascope/error.h"
#include "mambascope/figures/web.h"
#include "mambascope/reports/table.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

std::string CsvOf(const Json& table) {
  Table csv(table.at("columns").get<std::vector<std::string>>());
  for (const Json& row : table.at("rows")) csv.Add(row.get<TableCells>());
  return csv.csv();
}

// A program for Node.js that writes the specifications' pictures as a JSON list to `file`.
std::string RenderProgram(const Json& specs, const fs::path& file) {
  // The libraries define globals where they see neither modules nor a loader.
  std::string program =
      "const run = code => new Function('module', 'exports', 'define', code)();\n";
  const std::string render = std::string(web::ThemeJs()) + std::string(web::RenderJs());
  for (const std::string_view code : {web::Vega(), web::VegaLite(), std::string_view(render)})
    program += fmt::format("run({});\n", DumpJson(Json(std::string(code))));
  return program + fmt::format(R"((async () => {{
  const pictures = [];
  for (const spec of {}) pictures.push(await render(spec));
  require('fs').writeFileSync({}, JSON.stringify(pictures));
}})().catch(error => {{ console.error(String(error)); process.exit(1); }});
)",
                               DumpJson(specs), DumpJson(Json(file.string())));
}

// The pictures of specifications, drawn by Node.js. `file` is written and removed.
std::vector<std::string> RenderSvgs(const Json& specs, const fs::path& file) {
  const std::string program = RenderProgram(specs, file);
  const auto before = std::signal(SIGPIPE, SIG_IGN);  // `node` may end before it has read all
  FILE* node = popen("node -", "w");
  const bool whole =
      node != nullptr && std::fwrite(program.data(), 1, program.size(), node) == program.size();
  const int status = node == nullptr ? -1 : pclose(node);
  std::signal(SIGPIPE, before);
  if (!whole || status != 0) {
    std::error_code error;
    fs::remove(file, error);
    throw Error("--figures: the pictures (.svg) could not be drawn, because `node` failed",
                "see its message above, or install Node.js (apt-get install nodejs); the .vl.json "
                "and .csv files are written");
  }
  const auto svgs = ParseJson(ReadFile(file), file.string()).get<std::vector<std::string>>();
  fs::remove(file);
  return svgs;
}

}  // namespace

std::vector<std::string> WriteFigureFiles(const Page& report, const fs::path& folder) {
  PrepareFolder(folder);
  std::vector<std::string> stems, files;
  Json specs = Json::array();
  const auto write = [&](const std::string& name, const std::string& text) {
    WriteFile(folder / name, text);
    files.push_back(name);
  };
  for (const Chapter& chapter : report.chapters) {
    for (const std::vector<Figure>& row : chapter.rows) {
      for (const Figure& figure : row) {
        std::string name = figure.spec.value("name", std::string("figure"));
        std::replace(name.begin(), name.end(), ' ', '_');
        stems.push_back(fmt::format("{:02}-{}", stems.size() + 1, name));
        specs.push_back(figure.spec);
        write(stems.back() + ".vl.json", DumpJson(figure.spec, 1) + "\n");
        write(stems.back() + ".csv", CsvOf(figure.spec.at("usermeta").at("table")));
      }
    }
  }
  const std::vector<std::string> svgs = RenderSvgs(specs, folder / "pictures.json.part");
  for (size_t i = 0; i < svgs.size(); ++i) write(stems[i] + ".svg", svgs[i] + "\n");
  return files;
}

}  // namespace mambascope
