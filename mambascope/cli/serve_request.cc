#include "mambascope/cli/serve_request.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>
#include <utility>

#include "mambascope/checkpoint/file.h"
#include "mambascope/cli/edit_contexts.h"
#include "mambascope/cli/parser.h"
#include "mambascope/data/prompt.h"
#include "mambascope/error.h"
#include "mambascope/model/threads.h"
#include "mambascope/plural.h"
#include "mambascope/reports/result_page.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

struct ServedCommand {
  Work::Length length;
  std::set<std::string> options;
};

// Options that name files, or that decide how a run proceeds, are left out.
const std::map<std::string, ServedCommand>& ServedCommands() {
  using enum Work::Length;
  static const std::map<std::string, ServedCommand> kCommands = {
      {"predict",
       {kShort,
        {"--prompt", "--top", "--edit", "--subject", "--corrupt-subject", "--noise", "--samples",
         "--restore", "--window"}}},
      {"trace",
       {kLong,
        {"--prompt", "--subject", "--answer", "--corrupt-subject", "--noise", "--samples",
         "--metric", "--other-answer", "--site", "--window", "--isolate"}}},
      {"paths",
       {kLong,
        {"--prompt", "--subject", "--answer", "--corrupt-subject", "--noise", "--samples",
         "--metric", "--other-answer", "--at"}}},
      {"knockout",
       {kLong,
        {"--prompt", "--subject", "--answer", "--from", "--to", "--mode", "--window", "--channels",
         "--rank", "--heads", "--mixers", "--heatmap", "--decompose", "--restore"}}},
      {"attention", {kShort, {"--prompt", "--layer", "--head"}}},
      {"edit",
       {kLong,
        {"--prompt", "--subject", "--target", "--check-prompts", "--layer", "--projection",
         "--method", "--division", "--lambda", "--steps", "--learning-rate", "--decay", "--kl",
         "--clamp", "--ridge"}}}};
  return kCommands;
}

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

// A command line of the page, after its check.
struct Request {
  std::string command;
  const ServedModel& model;
  // Those of the page; flags have no value.
  std::vector<std::pair<std::string, std::string>> options = {};
};

std::string Value(const Request& request, const std::string& name) {
  for (const auto& [own, value] : request.options) {
    if (own == name) return value;
  }
  return "";
}

const ServedModel& FindModel(const std::string& name, const ServedModels& models) {
  std::vector<std::string> names;
  for (const ServedModel& model : models.models) {
    if (model.name == name) return model;
    names.push_back(model.name);
  }
  throw Error(fmt::format("the server has no model '{}'", name),
              fmt::format("it has {}", fmt::join(names, ", ")));
}

// The name and the value of --name=value.
std::pair<std::string, std::string> SplitWord(const std::string& word) {
  const size_t sign = word.find('=');
  return {word.substr(0, sign), sign == std::string::npos ? "" : word.substr(sign + 1)};
}

Request ReadRequest(const std::vector<std::string>& words, const ServedModels& models) {
  const auto command = ServedCommands().find(words.at(0));
  if (command == ServedCommands().end())
    throw Error(fmt::format("serve cannot run the command '{}'", words[0]));
  std::string model = models.models[0].name;
  std::vector<std::pair<std::string, std::string>> options;
  for (size_t i = 1; i < words.size(); ++i) {
    const auto [name, value] = SplitWord(words[i]);
    if (name == "--model") model = value;
    else if (name == "--seed" || command->second.options.contains(name))
      options.emplace_back(name, value);
    else throw Error(fmt::format("serve does not allow the option '{}' of {}", name, words[0]));
  }
  return {words[0], FindModel(model, models), std::move(options)};
}

// The words of a command line that makes the result without a server.
std::vector<std::string> Words(const Request& request) {
  std::vector<std::string> words = {request.command};
  for (const auto* options : {&request.model.options, &request.options}) {
    for (const auto& [name, value] : *options)
      words.push_back(value.empty() ? name : name + "=" + value);
  }
  return words;
}

// The same as one line for a shell.
std::string CommandText(const Request& request) {
  std::string line = "mambascope";
  for (const std::string& word : Words(request)) {
    const auto [name, value] = SplitWord(word);
    line += value.empty() || value.starts_with('-')
                ? " " + ShellQuoted(word)
                : fmt::format(" {} {}", name, ShellQuoted(value));
  }
  return line;
}

// A long prompt takes long: a trace has a cell for each token and layer. An option may be a part of
// the prompt, so no option may have more tokens than a prompt.
void CheckLength(const Request& request, int64_t max_tokens) {
  std::vector<std::string> texts;
  std::string prompt = Value(request, "--prompt");
  for (const auto& [name, value] : request.options) {
    if (value.empty()) continue;
    texts.push_back(value);
    if (IsPattern(prompt)) texts.push_back(FillPattern(prompt, value));
  }
  for (const std::string& text : texts) {
    const auto tokens = static_cast<int64_t>(request.model.kept.tokenizer->Encode(text).size());
    if (tokens > max_tokens)
      throw Error(fmt::format("the prompt has {}, but the server allows at most {}",
                              Count(tokens, "token"), max_tokens),
                  "shorten it, or restart the server with a larger --max-tokens");
  }
}

class RequestHost : public Host {
 public:
  RequestHost(const KeptModel& model, const KeptEdits& edits, EventStream& events)
      : model_(model), edits_(edits), events_(events) {}

  const KeptModel& Kept() const override { return model_; }
  StoredEdits Edits(const std::string& name) const override { return edits_.Edits(name); }
  void HearProgress(const ProgressState& state) override {
    if (events_.IsCancelled()) throw Cancelled();
    const auto now = Clock::now();
    if (now - told_ < kBetween) return;
    told_ = now;
    const std::chrono::duration<double> elapsed = now - start_;
    const std::optional<double> share = ProgressShare(state);
    events_.SendLatest({.name = "progress",
                        .data = {{"text", ProgressText(state, elapsed.count(), elapsed.count())},
                                 {"share", share ? Json(*share) : Json()}}});
  }
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

Json ResultJson(const Request& request, const CommandResult& result) {
  std::vector<PageTable> tables = result.page.info.tables;
  tables.insert(tables.end(), result.page.tables.begin(), result.page.tables.end());
  return {{"command", CommandText(request)},
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

void RunRequest(const Request& request, const ServedModels& models, KeptEdits& edits,
                EventStream& events) {
  CheckLength(request, models.max_tokens);
  RequestHost host(request.model.kept, edits, events);
  std::vector<std::string> words = Words(request);
  std::optional<TemporaryFolder> folder;
  if (request.command != "predict") {
    folder.emplace();
    words.push_back("--out=" + folder->path().string());
  }
  const bool is_sweep = ServedCommands().at(request.command).length == Work::Length::kLong;
  if (models.memory && is_sweep) words.push_back(fmt::format("--memory={}", *models.memory));
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

std::map<std::string, std::set<std::string>> ServedOptions() {
  std::map<std::string, std::set<std::string>> options;
  for (const auto& [name, command] : ServedCommands()) options[name] = command.options;
  return options;
}

Work PrepareRequest(const std::vector<std::string>& words, const ServedModels& models,
                    KeptEdits& edits) {
  const Request request = ReadRequest(words, models);
  const bool is_patched = !Value(request, "--restore").empty();
  return {.length = is_patched ? Work::Length::kLong : ServedCommands().at(request.command).length,
          .run = [request, &models, &edits](EventStream& events) {
            const FreedMemory freed;
            RunRequest(request, models, edits, events);
          }};
}

}  // namespace mambascope
