#include "mambascope/cli/describe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/cli/bundled.h"
#include "mambascope/cli/commands.h"
#include "mambascope/tokenizer/utf8.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

std::string LastName(const std::string& names) { return names.substr(names.rfind("--") + 2); }

std::string KeyInFiles(const OptionInfo& info) {
  if (!info.key.empty()) return info.key;
  std::string key = LastName(info.names);
  std::replace(key.begin(), key.end(), '-', '_');
  return key;
}

Json ValueJson(const bool& value) { return value; }
Json ValueJson(const std::string& value) {
  return value.empty() ? Json() : Json(ReplaceInvalidUtf8(value));
}
Json ValueJson(const std::optional<std::string>& value) {
  return value ? Json(ReplaceInvalidUtf8(*value)) : Json();
}
template <typename T>
Json ValueJson(const T& value) {
  return value;
}

// Puts options into a description.
class Describe : public OptionVisitor {
 public:
  explicit Describe(RunDescription& run) : run_(run) {}
  void operator()(OptionValue value, const OptionInfo& info) override {
    if (info.decides == Decides::kConduct || info.decides == Decides::kResolved) return;
    Json json = std::visit([](const auto* at) { return ValueJson(*at); }, value);
    if (info.list == List::kCommas && json.empty()) json = nullptr;
    if (info.decides == Decides::kResults) run_.DependsOn(KeyInFiles(info), json);
    else run_.Mentions(KeyInFiles(info), json);
  }

 private:
  RunDescription& run_;
};

// Of the tokenizer in use; null where there is none.
Json TokenizerFingerprint(const CommonArguments& common) {
  std::string text;
  for (const fs::path& file : Tokenizer::Files(
           common.tokenizer.empty() ? ModelFolder(common.model) : fs::path(common.tokenizer)))
    text += ReadFile(file);
  return text.empty() ? Json() : Json(FingerprintText(text));
}

std::string BoundsText(const Bounds& bounds) {
  struct Text {
    std::string operator()(std::monostate) const { return ""; }
    std::string operator()(const NotEmpty&) const { return ""; }
    std::string operator()(const Integers& b) const {
      return fmt::format("{} to {}", b.least, b.most);
    }
    std::string operator()(const IntegersFrom& b) const {
      return fmt::format("{} or more", b.least);
    }
    std::string operator()(const Numbers& b) const {
      return fmt::format("{} to {}", b.least, b.most);
    }
    std::string operator()(const OneOf& b) const {
      return fmt::format("{}", fmt::join(b.names, ", "));
    }
    std::string operator()(const ByteSize&) const { return "bytes, as 4G"; }
  };
  return std::visit(Text(), bounds);
}

// A row per option.
class Tabulate : public OptionVisitor {
 public:
  void operator()(OptionValue value, const OptionInfo& info) override {
    std::string otherwise = info.otherwise;
    if (otherwise.empty() && !std::holds_alternative<bool*>(value)) {
      const Json json = std::visit([](const auto* at) { return ValueJson(*at); }, value);
      if (json.is_string()) otherwise = json;
      else if (!json.is_null() && json != Json::array()) otherwise = DumpJson(json);
    }
    if (info.presence == OptionInfo::Presence::kRequired) otherwise = "required";
    std::string names = info.names;
    for (size_t at = 0; (at = names.find(",--", at)) != names.npos; at += 5)
      names.replace(at, 1, "`, `");
    table_ += fmt::format("| `{}` | {} | {} | {} |\n", names, Escaped(info.help),
                          BoundsText(info.bounds), Escaped(otherwise));
  }
  const std::string& table() const { return table_; }

 private:
  static std::string Escaped(std::string text) {
    for (size_t at = 0; (at = text.find('|', at)) != text.npos; at += 2) text.replace(at, 1, "\\|");
    return text;
  }
  std::string table_;
};

constexpr const char* kHead = "| option | what it is | values | default |\n|---|---|---|---|\n";

}  // namespace

RunDescription DescribeRun(const std::string& name, Command& command) {
  return DescribeRun(name, command, command.common);
}

RunDescription DescribeRun(const std::string& name, Command& command,
                           const CommonArguments& common) {
  RunDescription run = DescribeModel(name, common);
  Describe describe(run);
  command.VisitOptions(describe);
  return run;
}

RunDescription DescribeModel(const std::string& name, const CommonArguments& common) {
  RunDescription run;
  run.DependsOn("command", name);
  CommonArguments own = common;
  Describe describe(run);
  VisitModelOption(own, describe);
  VisitCompatOption(own, describe);
  VisitCommonOptions(own, describe);
  run.DependsOn("seed", common.Seed());
  run.DependsOn("fingerprint", Fingerprint(ModelFolder(common.model)));
  run.DependsOn("tokenizer_fingerprint", TokenizerFingerprint(common));
  run.DependsOn("version", kVersion);
  run.Mentions("commit", kGitCommit);
  return run;
}

std::string OptionsMarkdown() {
  Tabulate common;
  CommonArguments arguments;
  VisitModelOption(arguments, common);
  VisitCompatOption(arguments, common);
  VisitCommonOptions(arguments, common);
  std::string text = fmt::format(
      "## Options\n\nThe program writes this part from its own declarations: `./dev docs`.\n\n### "
      "Of every command\n\n{}{}",
      kHead, common.table());
  for (const CommandEntry& entry : Commands()) {
    const std::unique_ptr<Command> command = entry.make();
    Tabulate own, model, of_most;
    command->VisitModel(model);
    VisitModelOption(command->common, of_most);
    if (model.table() != of_most.table()) command->VisitModel(own);
    command->VisitOptions(own);
    if (!own.table().empty())
      text += fmt::format("\n### {}\n\n{}.\n\n{}{}", entry.name, entry.does, kHead, own.table());
  }
  return text;
}

}  // namespace mambascope
