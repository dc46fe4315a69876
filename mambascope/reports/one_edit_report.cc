#include "mambascope/reports/one_edit_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "mambascope/figures/label.h"
#include "mambascope/figures/page.h"
#include "mambascope/reports/result_page.h"

namespace mambascope {
namespace {

constexpr size_t kTop = 5;           // tokens that a terminal lists
constexpr int kTokenWidth = 20;      // characters of a token there
constexpr const char* kHole = "{}";  // the subject's place in the prompt

std::string WholePrompt(const OneEditResult& edit) {
  std::string prompt = edit.prompt;
  const size_t hole = prompt.find(kHole);
  return hole == std::string::npos ? prompt : prompt.replace(hole, 2, edit.subject);
}

// "The capital of France is -> ·Rome".
std::string RewriteLine(const OneEditResult& edit) {
  return fmt::format("{} -> {}", VisibleText(WholePrompt(edit)), VisibleText(edit.target));
}

std::string EditedWeights(const OneEditResult& edit) {
  const size_t n = edit.layers.size();
  const std::string which = n == 1 ? fmt::format("layer {}", edit.layers[0])
                                   : fmt::format("{} layers up to {}", n, edit.layers.back());
  return fmt::format("{}, {}", edit.projection, which);
}

std::string NumberText(double number) { return fmt::format("{:.4g}", number); }

std::string RatioText(double part, double whole) {
  return whole > 0 ? fmt::format("{:.3g} %", 100 * part / whole) : "-";
}

// The relative change of the last layer's weight.
std::string ChangeText(const OneEditResult& edit) {
  const WeightChange& last = edit.health.weights.back();
  return RatioText(last.change_norm, last.weight_norm);
}

std::string SearchText(const OneEditResult& edit) {
  const size_t passes = edit.loss.size();
  std::string text =
      fmt::format("{} pass{}, stopped by {}", passes, passes == 1 ? "" : "es", edit.stopped);
  if (passes > 0)
    text += fmt::format("; loss {} to {}", NumberText(edit.loss.front().loss),
                        NumberText(edit.loss.back().loss));
  return text;
}

std::string PerplexityText(const EditHealth& health) {
  if (!health.perplexity) return "not measured, because no text was given";
  return fmt::format("{} to {}", NumberText(health.perplexity->before),
                     NumberText(health.perplexity->after));
}

// "12.25 to 12.5 (bundled)".
std::string PerplexityLine(const OneEditResult& edit) {
  const std::string text = PerplexityText(edit.health);
  return edit.perplexity_text.empty() ? text : fmt::format("{} ({})", text, edit.perplexity_text);
}

// "·Paris 0.954, ·Lyon 0.01".
std::string TopLine(const NextTokens& next) {
  std::string line;
  for (const TokenProbability& token : next.top)
    line += fmt::format("{}{} {}", line.empty() ? "" : ", ", VisibleText(token.text),
                        NumberText(token.prob));
  return line;
}

// The chart with a curve for each of `numbers`, by pass of the search.
LineChart ByPass(const OneEditResult& edit, LineChart chart,
                 const std::vector<std::pair<const char*, double LossStep::*>>& numbers) {
  chart.subtitle =
      fmt::format("{}; {}; {}", ModelName(edit.options), RewriteLine(edit), EditedWeights(edit));
  chart.x_title = "pass";
  for (size_t s = 0; s < edit.loss.size(); ++s) {
    chart.x.push_back(std::to_string(s + 1));
    chart.at.push_back(static_cast<double>(s + 1));
  }
  for (const auto& [name, number] : numbers) {
    chart.curves.push_back({.name = name});
    for (const LossStep& step : edit.loss) chart.curves.back().values.push_back(step.*number);
  }
  return chart;
}

// A token and its probability, `kTokenWidth` + 9 wide. Empty if `top` has no such rank.
std::string TokenCell(const std::vector<TokenProbability>& top, size_t rank) {
  if (rank >= top.size()) return "";
  std::string text = VisibleText(top[rank].text);
  const int blanks = kTokenWidth - Length(text);
  if (blanks > 0) text.append(static_cast<size_t>(blanks), ' ');
  return fmt::format("{} {:>8}", text, NumberText(top[rank].prob));
}

}  // namespace

std::vector<LineChart> EditCharts(const OneEditResult& edit) {
  if (edit.loss.size() < 2) return {};
  return {
      ByPass(edit, {.name = "edit_loss", .title = "Loss of the value search", .y_title = "nats"},
             {{"nll", &LossStep::nll},
              {"kl", &LossStep::kl},
              {"decay", &LossStep::decay},
              {"loss", &LossStep::loss}}),
      ByPass(edit,
             {.name = "edit_p",
              .title = "Probability of the target",
              .y_title = "p(target)",
              .domain = {{0.0, 1.0}}},
             {{"p", &LossStep::p}})};
}

std::string EditPage(const OneEditResult& edit) {
  const NextTokens &before = edit.before, &after = edit.after;
  PageInfo info{
      .title = fmt::format("Edit of {}: {} ({})", EditedWeights(edit), RewriteLine(edit),
                           ModelName(edit.options)),
      .summary = {{"model", ModelName(edit.options)},
                  {"prompt", WholePrompt(edit)},
                  {"target", edit.target},
                  {"edited", EditedWeights(edit)},
                  {"p(target)", fmt::format("{} before, {} after", NumberText(before.p_target),
                                            NumberText(after.p_target))},
                  {"before", TopLine(before)},
                  {"after", TopLine(after)},
                  {"value search", SearchText(edit)},
                  {"|change| / |W|", ChangeText(edit)},
                  {"|v* - v0| / |v0|", RatioText(edit.delta_norm, edit.v0_norm)},
                  {"perplexity", PerplexityLine(edit)}},
      .made_by = OptionLines(edit.options)};
  for (const std::string& warning : edit.health.warnings)
    info.summary.push_back({"warning", warning});
  std::vector<Figure> figures;
  const std::vector<std::string> captions = {
      "The search minimizes the loss, which is the sum of three parts. nll is the negative log "
      "likelihood of the target in the contexts. kl is the KL divergence of the next-token "
      "distribution after 'SUBJECT is a'. decay grows with the distance of the value from its "
      "start.",
      "The target's probability per token, averaged over the contexts, with the found value at the "
      "subject's last token."};
  for (const LineChart& chart : EditCharts(edit))
    figures.push_back({chart.title, captions[figures.size()], LineChartSpec(chart)});
  return HtmlPage(info, figures);
}

std::string EditText(const OneEditResult& edit) {
  const NextTokens &before = edit.before, &after = edit.after;
  std::string out = fmt::format("{}   ({})\n\n", RewriteLine(edit), EditedWeights(edit));
  out += fmt::format("{:<{}}    {}\n", "before", kTokenWidth + 9, "after");
  for (size_t rank = 0; rank < std::min(kTop, std::max(before.top.size(), after.top.size()));
       ++rank)
    out += fmt::format("{:<{}}    {}\n", TokenCell(before.top, rank), kTokenWidth + 9,
                       TokenCell(after.top, rank));
  out += fmt::format("\np(target)      {} to {}\n", NumberText(before.p_target),
                     NumberText(after.p_target));
  out += fmt::format("value search   {}\n", SearchText(edit));
  out += fmt::format("|change|/|W|   {}\n", ChangeText(edit));
  out += fmt::format("perplexity     {}\n", PerplexityText(edit.health));
  for (const std::string& warning : edit.health.warnings)
    out += fmt::format("warning: {}\n", VisibleText(warning));
  return out;
}

}  // namespace mambascope
