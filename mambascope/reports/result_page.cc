#include "mambascope/reports/result_page.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "mambascope/experiments/facts/traced_fact.h"
#include "mambascope/model/site.h"
#include "mambascope/plural.h"

namespace mambascope {
namespace {

constexpr size_t kDepths = 101;  // 0 to 100 %

std::string LastPart(const std::string& path) {
  const std::filesystem::path whole(path);
  return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

std::string WhyGuarded(Metric metric) {
  if (metric == Metric::kProbability) return fmt::format("p_clean - p_corrupt is below {}", kGuard);
  return fmt::format(
      "d_clean - d_corrupt is below {} nats, or because both prompts have the same answer",
      kLogitGuard);
}

}  // namespace

std::string JoinTexts(const std::vector<std::string>& texts) {
  return fmt::format("{}", fmt::join(texts, ", "));
}

std::string ModelName(const Json& options) {
  return ModelName(LastPart(options.value("model", "")), options);
}

std::string ModelName(const std::string& name, const Json& options) {
  const std::string precision = options.value("dtype", "float32");
  return precision == "float32" ? name : fmt::format("{} in {}", name, precision);
}

std::string DataName(const Json& options) {
  std::vector<std::string> names;
  for (const char* source : {"relations", "counterfact", "zsre"}) {
    const Json paths = options.value(source, Json());
    if (paths.is_string()) names.push_back(LastPart(paths.get<std::string>()));
    if (!paths.is_array()) continue;
    for (const Json& path : paths) names.push_back(LastPart(path.get<std::string>()));
  }
  return JoinTexts(names);
}

std::string DataText(const Json& options, size_t count, const std::string& noun) {
  const std::string data = DataName(options);
  return Count(count, noun) + (data.empty() ? "" : " of " + data);
}

std::string RelationsLine(const std::vector<RelationCount>& relations) {
  std::string line;
  for (const RelationCount& r : relations) {
    if (r.chosen > 0)
      line += fmt::format("{}{} {} of {}", line.empty() ? "" : ", ",
                          r.name.empty() ? "(no name)" : r.name, r.chosen, r.facts);
  }
  return line;
}

std::string GuardText(int64_t guarded, Metric metric) {
  if (guarded == 0) return "";
  return fmt::format("{} {} left out, because {}.", Count(guarded, "fact"),
                     guarded == 1 ? "is" : "are", WhyGuarded(metric));
}

std::string NoneText(size_t facts, Metric metric) {
  return fmt::format("None of the {} qualifies, because {}. There is nothing to average.",
                     Count(facts, "fact"), WhyGuarded(metric));
}

std::string EffectText(Metric metric) {
  return metric == Metric::kProbability
             ? "(p - p_corrupt) / (p_clean - p_corrupt), where p is the probability of the answer"
             : "(d - d_corrupt) / (d_clean - d_corrupt), where d is the answer's logit less the "
               "other answer's";
}

std::string ShellQuoted(const std::string& text) {
  const bool is_plain = !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || std::string_view("-_./,:+=@%").find(c) != std::string::npos;
  });
  if (is_plain) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string ShellLine(const std::vector<std::string>& words) {
  std::string line = "mambascope";
  for (const std::string& word : words) line += " " + ShellQuoted(word);
  return line;
}

std::string CommandLine(const Json& options) {
  const Json words = options.value("arguments", Json());
  if (!words.is_array() || words.empty()) return "";
  return ShellLine(words.get<std::vector<std::string>>());
}

PageLines OptionLines(const Json& options) {
  PageLines lines;
  if (const std::string command = CommandLine(options); !command.empty())
    lines.emplace_back("command line", command);
  for (const auto& [key, value] : options.items()) {
    if (key == "arguments") continue;
    lines.emplace_back(key, value.is_string() ? value.get<std::string>()
                            : value.is_null() ? "not given"
                                              : DumpJson(value));
  }
  return lines;
}

PageLines SharedOptionLines(const std::vector<const Json*>& runs) {
  Json shared = *runs.at(0);
  for (const auto& option : runs[0]->items()) {
    const bool is_shared = std::all_of(runs.begin(), runs.end(), [&](const Json* options) {
      return options->contains(option.key()) && options->at(option.key()) == option.value();
    });
    if (!is_shared) shared.erase(option.key());
  }
  return OptionLines(shared);
}

std::string LayerName(int layer) { return layer == kEmbedLayer ? "embed" : std::to_string(layer); }

void SetLayers(LineChart& chart, const std::vector<int>& layers) {
  chart.x_title = "layer";
  chart.x.clear();
  for (int layer : layers) chart.x.push_back(LayerName(layer));
  chart.at.assign(layers.begin(), layers.end());
}

void SetLayers(LineChart& chart, size_t count) {
  std::vector<int> layers(count);
  std::iota(layers.begin(), layers.end(), 0);
  SetLayers(chart, layers);
}

void SetDepths(LineChart& chart, const std::string& title) {
  chart.x_title = title;
  chart.missing = LineChart::Missing::kBridge;
  for (size_t depth = 0; depth < kDepths; ++depth) {
    chart.x.push_back(std::to_string(depth));
    chart.at.push_back(static_cast<double>(depth));
  }
}

Curve AtDepths(const Curve& curve) {
  Curve spread{.name = curve.name,
               .values = std::vector<std::optional<double>>(kDepths),
               .band = std::vector<std::optional<std::pair<double, double>>>(
                   curve.band.empty() ? 0 : kDepths)};
  const size_t last = std::max<size_t>(1, curve.values.size() - 1);
  for (size_t place = 0; place < curve.values.size(); ++place) {
    const size_t depth = ((kDepths - 1) * place + last / 2) / last;
    spread.values[depth] = curve.values[place];
    if (!curve.band.empty()) spread.band[depth] = curve.band[place];
  }
  return spread;
}

}  // namespace mambascope
