#include "mambascope/reports/one_edit_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "mambascope/figures/label.h"
#include "mambascope/figures/page.h"
#include "mambascope/reports/result_page.h"
#include "mambascope/figures/values.h"

namespace mambascope {
namespace {

constexpr size_t kTop = 5;           // tokens of a terminal's lines
constexpr int kTokenWidth = 20;      // characters of a token there
constexpr const char* kHole = "{}";  // of the prompt, where the subject belongs

std::string TextOf(const Json& edit, const char* key) { return edit.at(key).get<std::string>(); }

std::string PromptOf(const Json& edit) {
  std::string prompt = TextOf(edit, "prompt");
  const size_t hole = prompt.find(kHole);
  return hole == std::string::npos ? prompt : prompt.replace(hole, 2, TextOf(edit, "subject"));
}

// "The capital of France is -> ·Rome".
std::string RewriteOf(const Json& edit) {
  return fmt::format("{} -> {}", VisibleText(PromptOf(edit)), VisibleText(TextOf(edit, "target")));
}

std::string PlaceOf(const Json& edit) {
  const Json layers = edit.value("layers", Json::array({edit.at("layer")}));
  const std::string which = layers.size() == 1 ? fmt::format("layer {}", layers[0].get<int>())
                                               : fmt::format("{} layers up to {}", layers.size(), layers.back().get<int>());
  return fmt::format("{}, {}", TextOf(edit, "projection"), which);
}

std::string NumberText(const Json& object, const char* key) {
  const std::optional<double> number = NumberOf(object, key);
  return number ? fmt::format("{:.4g}", *number) : "-";
}

std::string RatioText(const Json& edit, const char* key, const char* of) {
  const auto number = NumberOf(edit, key), whole = NumberOf(edit, of);
  return number && whole && *whole > 0 ? fmt::format("{:.3g} %", 100 * *number / *whole) : "-";
}

std::string SearchText(const Json& edit) {
  const size_t passes = edit.at("loss").size();
  std::string text = fmt::format("{} pass{}, stopped by {}", passes, passes == 1 ? "" : "es", TextOf(edit, "stopped"));
  if (passes > 0) text += fmt::format("; loss {} to {}", NumberText(edit["loss"][0], "loss"), NumberText(edit["loss"].back(), "loss"));
  return text;
}

std::string PerplexityText(const Json& edit) {
  const Json& perplexity = edit.at("perplexity");
  return fmt::format("{} to {}", NumberText(perplexity, "before"), NumberText(perplexity, "after"));
}

// "·Paris 0.954, ·Lyon 0.01".
std::string TopLine(const Json& side) {
  std::string line;
  for (const Json& token : side.at("top"))
    line += fmt::format("{}{} {}", line.empty() ? "" : ", ", VisibleText(TextOf(token, "text")), NumberText(token, "prob"));
  return line;
}

// `keys` of a search's passes, a curve for each.
LineChart ByPass(const Json& edit, LineChart chart, const std::vector<const char*>& keys) {
  const Json& steps = edit.at("loss");
  chart.subtitle = fmt::format("{} ({})", RewriteOf(edit), PlaceOf(edit));
  chart.x_title = "pass";
  for (const char* key : keys) chart.curves.push_back({.name = key});
  for (size_t s = 0; s < steps.size(); ++s) {
    chart.x.push_back(std::to_string(s + 1));
    for (size_t k = 0; k < keys.size(); ++k) chart.curves[k].values.push_back(NumberOf(steps[s], keys[k]));
  }
  return chart;
}

// A token and its probability, `kTokenWidth` + 9 wide; nothing where `top` has no such rank.
std::string TokenCell(const Json& top, size_t rank) {
  if (rank >= top.size()) return "";
  std::string text = VisibleText(TextOf(top[rank], "text"));
  const int blanks = kTokenWidth - Length(text);
  if (blanks > 0) text.append(static_cast<size_t>(blanks), ' ');
  return fmt::format("{} {:>8}", text, NumberText(top[rank], "prob"));
}

}  // namespace

std::vector<LineChart> EditCharts(const OneEdit& edit) {
  if (edit.edit.at("loss").size() < 2) return {};
  return {
      ByPass(edit.edit, {.name = "edit_loss", .title = "Loss of the value search", .y_title = "nats"}, {"nll", "kl", "decay", "loss"}),
      ByPass(edit.edit, {.name = "edit_p", .title = "Probability of the target", .y_title = "p(target)", .domain = {{0.0, 1.0}}}, {"p"})};
}

std::string EditPage(const OneEdit& one) {
  const Json& edit = one.edit;
  PageInfo info{.title = fmt::format("Edit: {}", RewriteOf(edit)),
                .summary = {{"model", one.options.value("model", "")},
                            {"prompt", PromptOf(edit)},
                            {"target", TextOf(edit, "target")},
                            {"edited", PlaceOf(edit)},
                            {"p(target)", fmt::format("{} before, {} after", NumberText(edit["before"], "p_target"),
                                                      NumberText(edit["after"], "p_target"))},
                            {"before", TopLine(edit["before"])},
                            {"after", TopLine(edit["after"])},
                            {"value search", SearchText(edit)},
                            {"|change| / |W|", RatioText(edit, "change_norm", "weight_norm")},
                            {"|v* - v0| / |v0|", RatioText(edit, "delta_norm", "v0_norm")}}};
  if (edit.at("perplexity").is_object())
    info.summary.push_back({"perplexity", fmt::format("{} ({})", PerplexityText(edit), TextOf(edit["perplexity"], "text"))});
  for (const Json& warning : edit.at("warnings")) info.summary.push_back({"warning", warning.get<std::string>()});
  info.summary.push_back({"options", OptionsLine(one.options)});
  std::vector<Figure> figures;
  const std::vector<std::string> captions = {
      "What the search brings down: nll, of the target in the contexts; kl, how far what the subject is has moved; decay, how far "
      "the value has. Their sum is the loss.",
      "The mean over the contexts of the target's probability (per token) with the value at the subject's last token."};
  for (const LineChart& chart : EditCharts(one)) figures.push_back({chart.title, captions[figures.size()], LineChartSpec(chart)});
  return HtmlPage(info, figures);
}

std::string EditText(const OneEdit& one) {
  const Json& edit = one.edit;
  const Json &before = edit.at("before"), &after = edit.at("after");
  std::string out = fmt::format("{}   ({})\n\n", RewriteOf(edit), PlaceOf(edit));
  out += fmt::format("{:<{}}    {}\n", "before", kTokenWidth + 9, "after");
  for (size_t rank = 0; rank < std::min(kTop, std::max(before.at("top").size(), after.at("top").size())); ++rank)
    out += fmt::format("{:<{}}    {}\n", TokenCell(before["top"], rank), kTokenWidth + 9, TokenCell(after["top"], rank));
  out += fmt::format("\np(target)      {} to {}\n", NumberText(before, "p_target"), NumberText(after, "p_target"));
  out += fmt::format("value search   {}\n", SearchText(edit));
  out += fmt::format("|change|/|W|   {}\n", RatioText(edit, "change_norm", "weight_norm"));
  if (edit.at("perplexity").is_object()) out += fmt::format("perplexity     {}\n", PerplexityText(edit));
  for (const Json& warning : edit.at("warnings")) out += fmt::format("warning: {}\n", VisibleText(warning.get<std::string>()));
  return out;
}

}  // namespace mambascope
