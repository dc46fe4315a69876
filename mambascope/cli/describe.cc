#include "mambascope/cli/describe.h"

#include <algorithm>

#include "mambascope/checkpoint/file.h"
#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/cli/bundled.h"
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
    Json json = OptionValueJson(value);
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

}  // namespace

Json OptionValueJson(const OptionValue& value) {
  return std::visit([](const auto* at) { return ValueJson(*at); }, value);
}

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
  run.DependsOn("fingerprint", ModelFingerprint(common));
  run.DependsOn("tokenizer_fingerprint", TokenizerFingerprint(common));
  run.DependsOn("version", kVersion);
  run.Mentions("commit", kGitCommit);
  run.Mentions("arguments", common.arguments);
  if (common.shard) run.Mentions("shard", common.shard->text());
  return run;
}

}  // namespace mambascope
