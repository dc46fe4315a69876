#include <fmt/format.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/cli/commands.h"
#include "mambascope/cli/figure_files.h"
#include "mambascope/cli/interrupt.h"
#include "mambascope/cli/output.h"
#include "mambascope/plural.h"
#include "mambascope/reports/report_page.h"

namespace mambascope {
namespace {

Json FiguresJson(const Chapter& chapter) {
  Json figures = Json::array();
  for (const std::vector<Figure>& row : chapter.rows) {
    for (const Figure& figure : row)
      figures.push_back({{"heading", figure.heading},
                         {"of", figure.of},
                         {"finding", figure.finding},
                         {"range", figure.range},
                         {"command", figure.command}});
  }
  return figures;
}

// The chapter's heading, and all its findings.
std::string FindingsText(const Chapter& chapter) {
  std::string text = chapter.heading + "\n";
  for (const std::vector<Figure>& row : chapter.rows) {
    for (const Figure& figure : row) {
      if (figure.finding.empty()) continue;
      for (const std::string& line : SplitAt(figure.finding, '\n')) text += "  " + line + "\n";
    }
  }
  return text;
}

class ReportCommand : public Command {
 public:
  void VisitOptions(OptionVisitor& option) override {
    option.Topic("Files");
    option(&places_, {.names = "DIR,--results",
                      .help = "Folders with results of any commands and models, or result files",
                      .presence = OptionInfo::Presence::kRequired});
    option(&out_, {.names = "--out",
                   .help = "Folder for report.html",
                   .bounds = NotEmpty(),
                   .decides = Decides::kConduct});
    option(&figures_, {.names = "--figures",
                       .help = "Folder for each figure as .svg, .vl.json (Vega-Lite) and .csv",
                       .otherwise = "no such files",
                       .bounds = NotEmpty(),
                       .decides = Decides::kConduct});
  }
  void VisitModel(OptionVisitor& /*option*/) override {}
  void VisitCompat(OptionVisitor& /*option*/) override {}

  void Run() override {
    const std::vector<ResultFile> files = ReadAllResults(places_);
    const OutputFolder folder(out_, {"report.html"});
    if (figures_) PrepareFolder(*figures_);
    const Page page = MakePage(files);
    const std::filesystem::path file = folder / "report.html";
    WriteFile(file, HtmlPage(page));
    SayWhenStopped(WhenStopped::kWritten);
    std::vector<std::string> figures;
    if (figures_) figures = WriteFigureFiles(page, *figures_);
    Json chapters = Json::array();
    std::string text;
    for (const Chapter& chapter : page.chapters) {
      chapters.push_back({{"heading", chapter.heading}, {"figures", FiguresJson(chapter)}});
      text += FindingsText(chapter);
    }
    if (figures_) text += fmt::format("{} in {}\n", Count(figures.size(), "file"), *figures_);
    Print(common, {{"report", file.string()}, {"chapters", chapters}, {"files", figures}},
          text + file.string() + "\n");
  }

 private:
  // The options of a result file have no form of their own, so a damaged one shows when it is used.
  static Page MakePage(const std::vector<ResultFile>& files) try {
    return ReportPage(files);
  } catch (const Json::exception& e) {
    throw Error(fmt::format("the options of a result file are damaged: {}", e.what()),
                "give the files one by one to find it, and make its results again");
  }

  std::vector<std::string> places_;
  std::string out_ = "out/report";
  std::optional<std::string> figures_;
};

}  // namespace

std::unique_ptr<Command> MakeReport() { return std::make_unique<ReportCommand>(); }

}  // namespace mambascope
