#include "mambascope/reports/attention_report.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "mambascope/figures/heat_map.h"
#include "mambascope/figures/page.h"
#include "mambascope/figures/terminal.h"
#include "mambascope/reports/result_page.h"

namespace mambascope {
namespace {

// The matrix of the last `shown` tokens as [to][from]. There is no value if `from` is after `to`.
std::vector<std::vector<std::optional<double>>> Values(const at::Tensor& matrix, int64_t shown) {
  const int64_t first = matrix.size(0) - shown;
  const at::Tensor numbers = matrix.slice(0, first).slice(1, first).to(at::kDouble);
  const auto each = numbers.accessor<double, 2>();
  std::vector<std::vector<std::optional<double>>> values(static_cast<size_t>(each.size(0)));
  for (int64_t to = 0; to < each.size(0); ++to) {
    for (int64_t from = 0; from < each.size(1); ++from)
      values[static_cast<size_t>(to)].push_back(from <= to ? std::optional(each[to][from])
                                                           : std::nullopt);
  }
  return values;
}

std::vector<std::string> TokenLabels(const AttentionResult& result) {
  std::vector<std::string> labels;
  for (size_t t = 0; t < result.ids.size(); ++t)
    labels.push_back(result.texts[t].value_or(std::to_string(result.ids[t])));
  return labels;
}

bool Differ(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>() > 1e-5 * a.abs().max().item<double>();
}

bool HasSigns(const at::Tensor& matrix) { return matrix.min().item<double>() < 0; }

// "mean of 384 channels"
std::string OfChannels(const LayerAttention& layer) {
  return fmt::format("mean of {} {}s", layer.channels, layer.channel_name);
}

// The rows that set the colour scale. The first token is left out, because it reads only itself.
at::Tensor ScaleRows(const at::Tensor& matrix) {
  return matrix.size(0) > 1 ? matrix.slice(0, 1) : matrix;
}

// The prompt as text, or its token ids if there is no tokenizer. Of a long prompt, its two ends.
std::string PromptText(const AttentionResult& result) {
  constexpr size_t kEnd = 20;  // tokens
  const std::vector<std::string> labels = TokenLabels(result);
  std::string prompt;
  for (size_t t = 0; t < labels.size(); ++t) {
    if (t == kEnd && labels.size() > 3 * kEnd) {
      t = labels.size() - kEnd;
      prompt += " [..]";
    }
    prompt += (prompt.empty() || result.texts[0] ? "" : " ") + labels[t];
  }
  return prompt;
}

Grid View(const AttentionResult& result, const LayerAttention& layer, const std::string& view,
          const std::string& what, const at::Tensor& matrix) {
  const int64_t shown = ShownTokens(result);
  const std::vector<std::string> all = TokenLabels(result), labels(all.end() - shown, all.end());
  Grid grid{.name = fmt::format("attention_{}_{}", layer.layer, view),
            .title = fmt::format("Layer {}: {}", layer.layer, what),
            .subtitle = fmt::format("{}; {}", ModelName(result.options), PromptText(result)),
            .row_title = "to token",
            .column_title = "from token",
            .value_title = view == "normalised" ? "share" : "weight",
            .rows = labels,
            .columns = labels,
            .values = Values(matrix, shown),
            .missing = "a token does not read later tokens"};
  grid.picked_row = static_cast<int>(shown) - 1;  // the answer is read from it
  if (HasSigns(matrix)) grid.scheme = "redblue";
  else grid.domain = {{0, std::max(ScaleRows(matrix).max().item<double>(), 1e-12)}};
  return grid;
}

std::string AttentionCaption(const AttentionResult& result) {
  const bool softmax = !Differ(result.layers[0].absolute, result.layers[0].normalised);
  const auto tokens = static_cast<int64_t>(result.ids.size());
  const std::string part =
      ShownTokens(result) == tokens
          ? ""
          : fmt::format("The figures show the last {} of {} tokens; attention.json has all. ",
                        ShownTokens(result), tokens);
  const std::string how =
      part +
      "A row is a token. Its columns are the tokens that it reads inside the mixer, itself "
      "included. The colour scale leaves out the first token, which reads only itself. ";
  if (softmax) return how + "The weights of a row add up to 1.";
  return how + fmt::format(
                   "A weight is an entry of the recurrence's matrix from token to token (hidden "
                   "attention, Ali et al. 2024), before the skip and the gate. If {0}s read a "
                   "token with opposite signs, they cancel in the signed mean, but not in the mean "
                   "of absolute values.",
                   result.layers[0].channel_name);
}

std::string LayersText(const AttentionResult& result) {
  std::vector<std::string> layers;
  for (const LayerAttention& layer : result.layers) layers.push_back(std::to_string(layer.layer));
  return fmt::format("{} {}", layers.size() == 1 ? "layer" : "layers", JoinTexts(layers));
}

}  // namespace

int64_t ShownTokens(const AttentionResult& result) {
  // A cell takes about 50 bytes of a page. Most layers have three views of half a matrix.
  constexpr double kCells = 1'000'000, kViews = 1.5;
  constexpr int64_t kMost = 200;
  const auto layers = static_cast<double>(std::max<size_t>(1, result.layers.size()));
  return std::min({static_cast<int64_t>(result.ids.size()), kMost,
                   static_cast<int64_t>(std::sqrt(kCells / (kViews * layers)))});
}

Grid ShareHeatMap(const AttentionResult& result, const LayerAttention& layer) {
  return View(result, layer, "normalised",
              fmt::format("shares of each row's sum, {}", OfChannels(layer)), layer.normalised);
}

std::vector<Grid> AttentionHeatMaps(const AttentionResult& result, const LayerAttention& layer) {
  const std::string mean = OfChannels(layer);
  const bool signs = HasSigns(layer.mean);
  std::vector<Grid> views = {
      View(result, layer, "absolute", (signs ? "absolute values, " : "") + mean, layer.absolute)};
  if (Differ(layer.absolute, layer.normalised)) views.push_back(ShareHeatMap(result, layer));
  if (signs) views.push_back(View(result, layer, "signed", "signed, " + mean, layer.mean));
  if (result.channel)
    views.push_back(View(result, layer, fmt::format("{}_{}", layer.channel_name, *result.channel),
                         fmt::format("{} {} alone", layer.channel_name, *result.channel),
                         layer.channel));
  return views;
}

Page AttentionPage(const AttentionResult& result) {
  const PageInfo info{
      .title = fmt::format("Attention in {}: {} ({})", LayersText(result), PromptText(result),
                           ModelName(result.options)),
      .summary = {{"model", ModelName(result.options)}, {"prompt", PromptText(result)}},
      .made_by = OptionLines(result.options)};
  std::vector<Figure> figures;
  for (const LayerAttention& layer : result.layers) {
    for (const Grid& grid : AttentionHeatMaps(result, layer))
      figures.push_back({.heading = grid.title,
                         .caption = figures.empty() ? AttentionCaption(result) : "",
                         .spec = HeatMap(grid)});
  }
  return {info, figures};
}

std::string AttentionText(const AttentionResult& result) {
  std::string text;
  for (const LayerAttention& layer : result.layers) {
    Grid grid = ShareHeatMap(result, layer);
    for (auto& row : grid.values) {
      for (auto& value : row) value = value.value_or(0);  // later tokens
    }
    text += fmt::format("{}\n{}\n", grid.title, TerminalHeatMap(grid));
  }
  return text;
}

}  // namespace mambascope
