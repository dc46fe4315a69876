// Tests look at figures as a browser draws them.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "mambascope/checkpoint/file.h"

namespace mambascope {

// A browser opens a page; the test reads the document that its scripts leave.
class BrowserTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kBrowser))
      GTEST_SKIP() << "no " << kBrowser << " (apt-get install chromium)";
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Open(const std::string& page) {
    std::ofstream(folder_ / "page.html") << page;
    const std::string command = fmt::format(
        "timeout 120 {} --headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
        "--disable-background-networking "
        "--disable-component-update --disable-sync --user-data-dir={}/profile "
        "--virtual-time-budget=10000 --dump-dom file://{}/page.html "
        "> {}/dom.html 2> {}/log",
        kBrowser, folder_.string(), folder_.string(), folder_.string(), folder_.string());
    EXPECT_EQ(std::system(command.c_str()), 0) << ReadFile(folder_ / "log");
    return ReadFile(folder_ / "dom.html");
  }

  // Opens the page with a script of the test at its end.
  std::string Open(std::string page, const std::string& script) {
    return Open(page.replace(page.rfind("</body>"), 0, "<script>\n" + script + "</script>"));
  }

  // The tag of the root element. The page and a test's script leave their findings in its
  // attributes.
  static std::string Root(const std::string& dom) {
    return dom.substr(dom.find("<html"), dom.find("<head>") - dom.find("<html"));
  }

  static constexpr char kBrowser[] = "/usr/bin/chromium";
  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / fmt::format("mambascope_browser_test_{}", getpid());
};

inline Json Parameter(const Json& spec, const std::string& name) {
  for (const Json& param : spec.at("params"))
    if (param.at("name") == name) return param.at("value");
  return {};
}

}  // namespace mambascope
