#include "mambascope/cli/serve_words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "mambascope/data/prompt.h"
#include "mambascope/error.h"
#include "mambascope/plural.h"
#include "mambascope/reports/result_page.h"

namespace mambascope {
namespace {

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

}  // namespace

std::map<std::string, std::set<std::string>> ServedOptions() {
  std::map<std::string, std::set<std::string>> options;
  for (const auto& [name, command] : ServedCommands()) options[name] = command.options;
  return options;
}

ServedRequest ReadRequest(const std::vector<std::string>& words, const ServedModels& models) {
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
  const bool is_patched = std::any_of(options.begin(), options.end(),
                                      [](const auto& own) { return own.first == "--restore"; });
  return {words[0],
          is_patched && words[0] == "predict" ? Work::Length::kLong : command->second.length,
          FindModel(model, models), std::move(options)};
}

std::string ServedRequest::Value(const std::string& name) const {
  for (const auto& [own, value] : options) {
    if (own == name) return value;
  }
  return "";
}

std::vector<std::string> ServedRequest::Words() const {
  std::vector<std::string> words = {command};
  for (const auto* some : {&model.options, &options}) {
    for (const auto& [name, value] : *some)
      words.push_back(value.empty() ? name : name + "=" + value);
  }
  return words;
}

std::string ServedRequest::CommandText() const {
  std::vector<std::string> words;
  for (const std::string& word : Words()) {
    const auto [name, value] = SplitWord(word);
    if (value.empty() || value.starts_with('-')) words.push_back(word);
    else words.insert(words.end(), {name, value});
  }
  return ShellLine(words);
}

void CheckLength(const ServedRequest& request, int64_t max_tokens) {
  static const std::set<std::string> kTexts = {
      "--prompt",       "--subject", "--corrupt-subject", "--answer",
      "--other-answer", "--target",  "--check-prompts"};
  const std::string prompt = request.Value("--prompt");
  for (const auto& [name, value] : request.options) {
    if (value.empty() || !kTexts.contains(name)) continue;
    const bool fills = IsPattern(prompt) && !IsPattern(value);  // a subject, or no longer than one
    const std::string text = fills ? FillPattern(prompt, value) : value;
    const auto tokens = static_cast<int64_t>(request.model.kept.tokenizer->Encode(text).size());
    if (tokens > max_tokens)
      throw Error(fmt::format("the prompt has {}, but the server allows at most {}",
                              Count(tokens, "token"), max_tokens),
                  "shorten it, or restart the server with a larger --max-tokens");
  }
}

}  // namespace mambascope
