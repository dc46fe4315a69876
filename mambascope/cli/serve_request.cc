#include "mambascope/cli/serve_request.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <utility>

#include "mambascope/checkpoint/file.h"
#include "mambascope/cli/edit_contexts.h"
#include "mambascope/cli/parser.h"
#include "mambascope/error.h"
#include "mambascope/model/threads.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

// A folder for files that a command writes beside its result.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "mambascope-serve-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr)
      throw Error(name + ": the folder cannot be made",
                  "set TMPDIR to a folder that can be written");
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code error;
    fs::remove_all(path_, error);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

class RequestHost : public Host {
 public:
  RequestHost(const KeptModel& model, const KeptEdits& edits, EventStream& events)
      : model_(model), edits_(edits), events_(events) {}

  const KeptModel* Kept() const override { return &model_; }
  StoredEdits Edits(const std::string& name) const override { return edits_.Edits(name); }
  void HearProgress(const ProgressState& state) override {
    if (events_.IsCancelled()) throw Cancelled();
    const auto now = Clock::now();
    if (now - told_ < kBetween) return;
    told_ = now;
    const std::chrono::duration<double> elapsed = now - start_;
    const std::optional<double> share = ProgressShare(state);
    events_.SendLatest({.name = "progress",
                        .data = {{"text", elapsed.count() < 1 ? state.what
                                                              : ProgressText(state, elapsed.count(),
                                                                             elapsed.count())},
                                 {"share", share ? Json(*share) : Json()}}});
  }
  bool HearsPartial() const override { return true; }
  void HearPartial(const Json& result) override {
    events_.SendLatest({.name = "partial", .data = {{"json", result}}});
  }
  void HearWarning(const std::string& sentence) override {
    events_.Send({.name = "warning", .data = {{"text", sentence}}});
  }
  void Take(CommandResult result) override {
    result_ = std::move(result);
    result_.table = {};  // it refers to the command
  }

  const CommandResult& result() const { return result_; }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kBetween{100};

  const KeptModel& model_;
  const KeptEdits& edits_;
  EventStream& events_;
  CommandResult result_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point told_ = start_;
};

Json FiguresJson(const Page& page) {
  Json figures = Json::array();
  for (const Figure& figure : page.figures)
    figures.push_back(
        {{"heading", figure.heading}, {"caption", figure.caption}, {"spec", figure.spec}});
  return figures;
}

Json TablesJson(const std::vector<PageTable>& tables) {
  Json all = Json::array();
  for (const PageTable& table : tables) {
    Json rows = Json::array();
    for (const PageTable::Row& row : table.rows)
      rows.push_back({{"cells", row.cells}, {"is_marked", row.is_marked}});
    all.push_back({{"heading", table.heading},
                   {"caption", table.caption},
                   {"columns", table.columns},
                   {"rows", rows}});
  }
  return all;
}

Json ResultJson(const ServedRequest& request, const CommandResult& result) {
  std::vector<PageTable> tables = result.page.info.tables;
  tables.insert(tables.end(), result.page.tables.begin(), result.page.tables.end());
  return {{"command", request.CommandText()},
          {"json", result.json},
          {"figures", FiguresJson(result.page)},
          {"tables", TablesJson(tables)},
          {"summary", result.page.info.summary}};
}

// At its end, however the work ended, the process keeps no more freed memory than usual requests
// need.
struct FreedMemory {
  ~FreedMemory() { GiveBackFreedMemory(size_t{512} << 20); }
};

void RunRequest(const ServedRequest& request, const ServedModels& models, KeptEdits& edits,
                EventStream& events) {
  CheckLength(request, models.max_tokens);
  RequestHost host(request.model.kept, edits, events);
  std::vector<std::string> words = request.Words();
  std::optional<TemporaryFolder> folder;
  if (request.command != "predict") {
    folder.emplace();
    words.push_back("--out=" + folder->path().string());
  }
  if (models.memory && request.command != "predict" && request.command != "attention")
    words.push_back(fmt::format("--memory={}", *models.memory));
  RunHosted(words, host);
  Json json = ResultJson(request, host.result());
  if (request.command == "edit") {
    const fs::path file = folder->path() / "edit.safetensors";
    json["edit"] = edits.Add(
        {host.result(), ReadEdits(file), ReadFile(file), ReadFile(folder->path() / kContextsFile)});
  }
  events.Send({.name = "result", .data = std::move(json)});
}

}  // namespace

Work PrepareRequest(const std::vector<std::string>& words, const ServedModels& models,
                    KeptEdits& edits) {
  const ServedRequest request = ReadRequest(words, models);
  return {.length = request.length, .run = [request, &models, &edits](EventStream& events) {
            const FreedMemory freed;
            RunRequest(request, models, edits, events);
          }};
}

}  // namespace mambascope
