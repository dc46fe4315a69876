#include <fmt/format.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/cli/commands.h"
#include "mambascope/error.h"
#include "mambascope/reports/attention_report.h"
#include "mambascope/figures/terminal.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

struct AttentionArguments {
  PromptOptions prompt;
  std::string layers;
  std::optional<int64_t> channel;
  std::string out = "out";
};

std::string Summary(const AttentionResult& result) {
  std::string text;
  for (const LayerAttention& layer : result.layers) {
    Grid grid = ShareHeatMap(result, layer);
    for (auto& row : grid.values) {
      for (auto& value : row) value = value.value_or(0);  // later tokens
    }
    text += fmt::format("{} ({})\n{}\n", grid.title, grid.subtitle, TerminalHeatMap(grid));
  }
  return text;
}

void RunAttention(const CommonOptions& common, const AttentionArguments& o) {
  const fs::path json_file = fs::path(o.out) / "attention.json", page_file = fs::path(o.out) / "attention.html";
  PrepareFile(json_file);
  PrepareFile(page_file);
  const std::optional<Tokenizer> tokenizer = LoadTokenizer(common);
  const std::vector<int64_t> ids = PromptIds(o.prompt, tokenizer);
  const Model model = LoadModel(common);
  AttentionResult result{.options = EchoOptions("attention", common, {{"layer", o.layers}}), .ids = ids, .texts = {}, .layers = {}};
  result.channel = o.channel;
  result.options["channel"] = o.channel ? Json(*o.channel) : Json();
  for (int64_t id : ids) result.texts.push_back(tokenizer ? tokenizer->DecodeToken(id) : std::nullopt);
  result.layers = HiddenAttention(model, ids, ParseLayers(o.layers, model.layers()), {.channel = result.channel});
  const Json json = AttentionJson(result);
  WriteFile(json_file, DumpJson(json) + "\n");
  WriteFile(page_file, AttentionPage(result));
  Print(common, json, fmt::format("{}{}\n{}\n", Summary(result), json_file.string(), page_file.string()));
}

}  // namespace

void Attention(CLI::App& command, CommonOptions& common) {
  const auto o = std::make_shared<AttentionArguments>();
  AddPromptOptions(command, o->prompt);
  command.add_option("--layer,--layers", o->layers, "as 3, 0-15, 2,4,6 or all")->required();
  command.add_option("--channel,--head", o->channel, "a channel (Mamba-1) or head, counted from 0: its own matrix, too");
  command.add_option("--out", o->out, "folder for the results")->capture_default_str();
  command.callback([&common, o] { RunAttention(common, *o); });
}

}  // namespace mambascope
