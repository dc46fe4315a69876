#include "mambascope/reports/one_edit_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "mambascope/figures/label.h"
#include "mambascope/figures/page.h"
#include "mambascope/plural.h"
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

std::string Padded(std::string text, int width) {
  const int blanks = width - Length(text);
  if (blanks > 0) text.append(static_cast<size_t>(blanks), ' ');
  return text;
}

// The first and last `count` characters (code points) of UTF-8 text.
std::string FirstCharacters(const std::string& text, int count) {
  size_t end = 0;
  for (; end < text.size(); ++end) {
    if ((static_cast<unsigned char>(text[end]) & 0xC0) != 0x80 && count-- == 0) break;
  }
  return text.substr(0, end);
}
std::string LastCharacters(const std::string& text, int count) {
  return text.substr(FirstCharacters(text, std::max(0, Length(text) - count)).size());
}

// Text of at most `width` characters: ".." stands for the middle of a longer one.
std::string Shortened(const std::string& text, int width) {
  if (Length(text) <= width) return text;
  const int first = (width - 2) / 2;
  return FirstCharacters(text, first) + ".." + LastCharacters(text, width - 2 - first);
}

// A token and its probability, `kTokenWidth` + 9 wide. Empty if `top` has no such rank.
std::string TokenCell(const std::vector<TokenProbability>& top, size_t rank) {
  if (rank >= top.size()) return "";
  return fmt::format("{} {:>8}", Padded(VisibleText(top[rank].text), kTokenWidth),
                     NumberText(top[rank].prob));
}

// "·Paris 0.954"; the text at most `width` characters long.
std::string TopCell(const NextTokens& next, int width) {
  if (next.top.empty()) return "";
  return fmt::format("{} {}", Shortened(VisibleText(next.top[0].text), width),
                     fmt::format("{:.2f}", next.top[0].prob));
}

std::vector<const EditCheck*> ChecksOfKind(const OneEditResult& edit, CheckKind kind) {
  std::vector<const EditCheck*> checks;
  for (const EditCheck& check : edit.checks) {
    if (check.prompt.kind == kind) checks.push_back(&check);
  }
  return checks;
}

// "3 of 12 paraphrases say the target (0 before the edit)"
std::string CheckSummary(CheckKind kind, const std::vector<const EditCheck*>& checks) {
  int64_t said = 0, say = 0, changed = 0;
  for (const EditCheck* check : checks) {
    said += check->before.says_target ? 1 : 0;
    say += check->after.says_target ? 1 : 0;
    changed += check->HasChanged() ? 1 : 0;
  }
  const std::string all = Count(checks.size(), CheckKindName(kind));
  if (kind == CheckKind::kParaphrase)
    return fmt::format("{} of {} {} the target ({} before the edit)", say, all,
                       say == 1 ? "says" : "say", said);
  return fmt::format("{} of {} {} another answer; {} {} the target ({} before the edit)", changed,
                     all, changed == 1 ? "gives" : "give", say, say == 1 ? "says" : "say", said);
}

constexpr std::pair<CheckKind, const char*> kCheckHeadings[] = {
    {CheckKind::kParaphrase, "Paraphrases"},
    {CheckKind::kNeighbor, "Neighbors (other subjects)"},
    {CheckKind::kPrompt, "Further prompts"}};

// What a good edit does to the prompts of a kind.
const char* CheckCaption(CheckKind kind) {
  switch (kind) {
    case CheckKind::kParaphrase:
      return "Other wordings of the fact. A good edit makes the model say the target here, too. "
             "Marked rows have another most probable token than before the edit.";
    case CheckKind::kNeighbor:
      return "The same wording about other subjects. A good edit changes nothing here. Marked rows "
             "have another most probable token than before the edit.";
    case CheckKind::kPrompt: break;
  }
  return "Marked rows have another most probable token than before the edit.";
}

// A prompt in a narrow column. {} stands for the edit's subject; of a neighbor it is the other
// subject alone.
std::string ShortPrompt(const OneEditResult& edit, const CheckPrompt& check, int width) {
  std::string text = check.prompt;
  const size_t hole = edit.prompt.find(kHole);
  if (check.kind == CheckKind::kNeighbor && hole != std::string::npos) {
    const size_t after = edit.prompt.size() - hole - 2;
    text = text.substr(hole, text.size() - hole - after);
  } else if (const size_t at = text.find(edit.subject); at != std::string::npos) {
    text.replace(at, edit.subject.size(), kHole);
  }
  return Padded(Shortened(VisibleText(text), width), width);
}

std::string ChecksText(const OneEditResult& edit) {
  constexpr int kPromptWidth = 40, kTokenCell = 11, kCell = 16;
  std::string out;
  for (const auto& [kind, heading] : kCheckHeadings) {
    const std::vector<const EditCheck*> checks = ChecksOfKind(edit, kind);
    if (checks.empty()) continue;
    out += "\n" + Padded(fmt::format("  {}", heading), kPromptWidth + 4) +
           Padded("before", kCell + 2) + "after\n";
    for (const EditCheck* check : checks)
      out += fmt::format("{} {}  {}  {}\n", check->HasChanged() ? '*' : ' ',
                         ShortPrompt(edit, check->prompt, kPromptWidth),
                         Padded(TopCell(check->before, kTokenCell), kCell),
                         TopCell(check->after, kTokenCell));
    out += fmt::format("  {}\n", CheckSummary(kind, checks));
  }
  return out;
}

std::vector<PageTable> CheckTables(const OneEditResult& edit) {
  std::vector<PageTable> tables;
  for (const auto& [kind, heading] : kCheckHeadings) {
    const std::vector<const EditCheck*> checks = ChecksOfKind(edit, kind);
    if (checks.empty()) continue;
    PageTable table{
        .heading = heading,
        .caption = fmt::format("{}.\n{}", CheckSummary(kind, checks), CheckCaption(kind)),
        .columns = {"prompt", "before", "after", "p(target) before", "p(target) after"},
        .rows = {}};
    for (const EditCheck* check : checks)
      table.rows.push_back(
          {.cells = {VisibleText(check->prompt.prompt), TopCell(check->before, kTokenWidth),
                     TopCell(check->after, kTokenWidth), NumberText(check->before.p_target),
                     NumberText(check->after.p_target)},
           .is_marked = check->HasChanged()});
    tables.push_back(std::move(table));
  }
  return tables;
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

Page EditPage(const OneEditResult& edit) {
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
      .made_by = OptionLines(edit.options),
      .tables = CheckTables(edit)};
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
  return {info, figures};
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
  out += ChecksText(edit);
  if (!edit.checks.empty() && !edit.health.warnings.empty()) out += "\n";
  for (const std::string& warning : edit.health.warnings)
    out += fmt::format("warning: {}\n", VisibleText(warning));
  return out;
}

}  // namespace mambascope
