// Each finding picks extremes of a result's numbers, and words for them.
#include "mambascope/reports/findings.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include "mambascope/figures/label.h"
#include "mambascope/figures/values.h"
#include "mambascope/plural.h"
#include "mambascope/reports/knockout_words.h"
#include "mambascope/reports/result_page.h"
#include "mambascope/reports/trace_figures.h"

namespace mambascope {
namespace {

constexpr double kNoEffect = 0.01;    // smaller effects, and changes of effects, count as none
constexpr double kHalfEffect = 0.5;   // with it, the last token has taken over
constexpr int kNoLoss = 1;            // percent of p(answer); smaller losses count as none
constexpr int kNearBest = 5;          // points of S
constexpr double kNoWidth = 1e-9;     // of an interval; rounding errors are smaller
constexpr size_t kSubjectRows = 3;    // the first rows of a trace's average
constexpr size_t kLastTokenRow = 4;   // its last row
constexpr int64_t kFewRelations = 2;  // their interval often spans everything from 0 to 100

// The number with so many digits after its point. A zero has no sign.
std::string Decimals(double number, int digits) {
  const std::string text = fmt::format("{:.{}f}", number, digits);
  const bool is_zero = text.find_first_not_of("-0.") == std::string::npos;
  return is_zero && text[0] == '-' ? text.substr(1) : text;
}

std::string PercentWords(double percent) { return Decimals(percent, 1) + " %"; }

// " (95 % interval 0.21 to 0.30)", " (95 % interval over trials 80.0 to 90.0)". Empty without an
// interval, or if it has no width.
std::string IntervalWords(const std::optional<std::pair<double, double>>& interval, int digits,
                          const std::string& over = "") {
  if (!interval || !HasValue(interval->first) || !HasValue(interval->second)) return "";
  if (interval->second - interval->first < kNoWidth) return "";
  return fmt::format(" (95 % interval{} {} to {})", over.empty() ? "" : " over " + over,
                     Decimals(interval->first, digits), Decimals(interval->second, digits));
}

// "gate", "gate or mlp_out", "ssm_out, gate or mlp_out"
std::string Listed(const std::vector<std::string>& texts, const std::string& conjunction) {
  if (texts.size() < 2) return JoinTexts(texts);
  return fmt::format("{} {} {}", JoinTexts({texts.begin(), texts.end() - 1}), conjunction,
                     texts.back());
}

std::string EffectName(Metric metric) {
  return metric == Metric::kLogitDiff ? "effect on the logit difference" : "effect";
}

// A cell of a trace's average.
struct AverageCell {
  size_t row = 0, layer = 0;
  double effect = 0;
};

// The cell with the largest value in rows `begin` to `end` - 1. None: no cell has a value.
std::optional<AverageCell> LargestCell(const TraceGrid& grid, size_t begin, size_t end) {
  std::optional<AverageCell> largest;
  for (size_t row = begin; row < std::min(end, grid.size()); ++row) {
    for (size_t layer = 0; layer < grid[row].size(); ++layer) {
      const std::optional<double>& value = grid[row][layer];
      if (HasValue(value) && (!largest || *value > largest->effect)) largest = {row, layer, *value};
    }
  }
  return largest;
}

std::string RowTokens(size_t row) {
  static constexpr std::array<const char*, kTraceRows.size()> kTokens = {
      "the subject's first token", "the subject's middle tokens", "the subject's last token",
      "the further tokens", "the last token"};
  return kTokens.at(row);
}

// "the subject's last token in layer 10: 0.26 (95 % interval 0.21 to 0.30)"
std::string CellWords(const TraceResult& result, const TraceAverage& average,
                      const AverageCell& cell) {
  std::optional<std::pair<double, double>> interval;
  if (cell.row < average.ci95.size() && cell.layer < average.ci95[cell.row].size())
    interval = average.ci95[cell.row][cell.layer];
  return fmt::format("{}{}: {}{}", RowTokens(cell.row),
                     result.site == Site::kEmbed ? "" : fmt::format(" in layer {}", cell.layer),
                     Decimals(cell.effect, 2), IntervalWords(interval, 2));
}

// "demo", "demo (windows of 3 layers)"
std::string TracedModel(const TraceResult& result) {
  if (result.window == 1) return ModelOf(result);
  return fmt::format("{} (windows of {})", ModelOf(result), Count(result.window, "layer"));
}

// Where the subject's tokens have the largest effect. Empty: they have no values.
std::string EarlySite(const TraceResult& result, const TraceAverage& average) {
  const std::optional<AverageCell> largest = LargestCell(average.ie, 0, kSubjectRows);
  if (!largest) return "";
  const std::string where = fmt::format("At {} of {}", SiteName(result.site), TracedModel(result)),
                    effect = EffectName(result.metric);
  if (largest->effect < kNoEffect)
    return fmt::format("{}, no token of the subject has an {} of {} or more.", where, effect,
                       kNoEffect);
  const auto& interval = average.ci95.at(largest->row).at(largest->layer);
  if (interval && interval->first <= 0 && interval->second > 0)
    return fmt::format("{}, the subject's largest indirect {} may be chance. It is at {}.", where,
                       effect, CellWords(result, average, *largest));
  return fmt::format("{}, the subject's largest indirect {} is at {}.", where, effect,
                     CellWords(result, average, *largest));
}

// One fact: the token and layer that bring back most, and where the last token does.
std::string OneFact(const TraceResult& result) {
  const FactTrace& trace = result.facts[0];
  const TraceGrid& grid = ShownGrid(result, trace);
  const std::optional<EffectScale> scale = ScaleOf(trace.fact, result.metric);
  if (grid.empty() || !scale) return "";
  const Prompt& clean = trace.fact.clean;
  const std::optional<AverageCell> largest =
      LargestCell(grid, static_cast<size_t>(clean.subject_span.begin),
                  static_cast<size_t>(clean.subject_span.end));
  if (!largest) return "";
  const auto& last = grid.back();
  const auto late = std::find_if(last.begin(), last.end(), [&](const auto& value) {
    return HasValue(value) && (*scale)(*value) >= kHalfEffect;
  });
  const auto layer = [&](size_t l) {
    return result.site == Site::kEmbed ? std::string() : fmt::format(" in layer {}", l);
  };
  std::string text = fmt::format(
      "At {} of {}, among the subject's tokens {} is largest with {} restored{}: {:.3g}.",
      SiteName(result.site), TracedModel(result), ValueName(result),
      VisibleText(clean.tokens.at(largest->row)), layer(largest->layer), largest->effect);
  if (late != last.end() && result.site != Site::kEmbed)
    text += fmt::format(" The last token brings back at least half of the effect first{}.",
                        layer(static_cast<size_t>(late - last.begin())));
  return text;
}

// Where the effect of the last token is at least one half: from a layer on, for some layers, or
// nowhere. Begins with a space. Empty: no fact has such a token, or the site is in no layer.
std::string LateSite(const TraceResult& result, const TraceAverage& average) {
  if (result.site == Site::kEmbed || average.ie.size() <= kLastTokenRow) return "";
  const std::vector<std::optional<double>>& effects = average.ie[kLastTokenRow];
  std::optional<size_t> largest, reached, below;
  size_t from = effects.size();  // the first of the last layers that have half; none: the end
  for (size_t layer = 0; layer < effects.size(); ++layer) {
    if (!HasValue(effects[layer])) continue;
    if (!largest || *effects[layer] > *effects[*largest]) largest = layer;
    if (*effects[layer] >= kHalfEffect) {
      reached = reached.value_or(layer);
      from = std::min(from, layer);
    } else {
      if (reached) below = below.value_or(layer);
      from = effects.size();
    }
  }
  if (!largest) return "";
  if (from < effects.size())
    return fmt::format(" From layer {} on, the last token has an effect of at least one half.",
                       from);
  if (reached)
    return fmt::format(
        " The last token's effect reaches one half in layer {}, but falls below it in layer {}.",
        *reached, below.value());
  return fmt::format(
      " The last token's effect stays below one half; its largest is {}, in layer {}.",
      Decimals(*effects[*largest], 2), *largest);
}

// What mixer_out does that its inputs do not.
std::string IsolatedSite(const TraceResult& result, const TraceAverage& difference) {
  const std::optional<AverageCell> largest = LargestCell(difference.ie, 0, kTraceRows.size());
  if (!largest) return "";
  const std::string model = TracedModel(result);
  if (largest->effect < kNoEffect)
    return fmt::format("In {}, mixer_out adds less than {} to the effects of ssm_out and gate.",
                       model, kNoEffect);
  return fmt::format("In {}, mixer_out adds most to the effects of ssm_out and gate at {}.", model,
                     CellWords(result, difference, *largest));
}

// What a condition does to the effect of the restored residual stream.
struct HeldPart {
  std::string name;
  size_t layer = 0;           // where it lowers the effect most
  double from = 0, to = 0;    // the effect there, without and with the condition
  double largest_change = 0;  // in any layer, up or down

  double Lowers() const { return from - to; }
};

// What holding `name` does; none where no layer has both effects.
std::optional<HeldPart> CompareHeld(const std::string& name,
                                    const std::vector<std::optional<double>>& recovery,
                                    const std::vector<std::optional<double>>& held) {
  std::optional<HeldPart> part;
  double largest_change = 0;
  for (size_t layer = 0; layer < std::min(recovery.size(), held.size()); ++layer) {
    if (!HasValue(recovery[layer]) || !HasValue(held[layer])) continue;
    const HeldPart here{name, layer, *recovery[layer], *held[layer]};
    largest_change = std::max(largest_change, std::abs(here.Lowers()));
    if (!part || here.Lowers() > part->Lowers()) part = here;
  }
  if (part) part->largest_change = largest_change;
  return part;
}

// The conditions that hold something, in the result's order.
std::vector<HeldPart> HeldParts(const PathsResult& result) {
  const std::vector<std::string>& names = result.conditions;
  const auto& effects = result.Shown().ie;
  const auto recovery =
      static_cast<size_t>(std::find(names.begin(), names.end(), "recovery") - names.begin());
  std::vector<HeldPart> parts;
  for (size_t c = 0; c < std::min(names.size(), effects.size()); ++c) {
    if (c == recovery || recovery >= effects.size()) continue;
    // In a Mamba it is the sum of what ssm_out and gate do.
    const bool has_parts = std::find(names.begin(), names.end(), "ssm_out") != names.end();
    if (names[c] == "mixer_out" && has_parts) continue;
    if (const auto part = CompareHeld(names[c], effects[recovery], effects[c]))
      parts.push_back(*part);
  }
  return parts;
}

// "94.1 (95 % interval 92.0 to 95.6)"
std::string ScoreWords(const MeasureMean& score) {
  return Decimals(score.mean.value(), 1) + IntervalWords(score.interval, 1);
}

// " W_a is best in layer 18 (S 94.1) and W_g has no S above 0.", for the projections other than
// that of `best`. Empty: there is none.
std::string OtherProjections(const EditSweepSummary& summary, const EditSweepRow& best) {
  std::vector<std::string> others;
  for (const ProjectionSummary& projection : summary.projections) {
    const EditSweepRow* row = projection.Best();
    if (projection.projection == best.projection || !row || !HasValue(row->means.score.mean))
      continue;
    const double score = *row->means.score.mean;
    others.push_back(
        projection.projection +
        (score > 0 ? fmt::format(" is best in layer {} (S {})", row->layer, Decimals(score, 1))
                   : " has no S above 0"));
  }
  return others.empty() ? "" : fmt::format(" {}.", Listed(others, "and"));
}

// "layer 3", "layers 2 to 4", "the window of 3 layers around layer 3"
std::string CutWindow(const KnockoutResult& result, const LargestCut& cut) {
  const WindowPlaces& places = result.lengths.at(result.flows[cut.flow].windows);
  const int layer = places.x.at(cut.window);
  if (places.window == 1) return fmt::format("layer {}", layer);
  if (result.windows == KnockoutResult::Windows::kAround)
    return fmt::format("the window of {} layers around layer {}", places.window, layer);
  return fmt::format("layers {} to {}", layer, layer + places.window - 1);
}

// "cutting the flow from subject to last (recurrence alone)", "mean ablation of subject"
std::string CutWords(const KnockoutResult& result, const Flow& flow) {
  if (flow.to.empty()) return "mean ablation of " + flow.from;
  return fmt::format("cutting the flow from {} to {}{}", flow.from, flow.to,
                     GroupText(result, flow.group));
}

// The source that comes after that of `largest`. Begins with a space. Empty: there is no other.
std::string NextSource(const KnockoutResult& result, const LargestCut& largest) {
  const std::optional<LargestCut> next = FindLargestCut(result, result.flows[largest.flow].from);
  if (!next) return "";
  if (next->loss <= kNoLoss)
    return fmt::format(" No other source lowers it by more than {} %.", kNoLoss);
  return fmt::format(" Source \"{}\" is next: {} in {}.", result.flows[next->flow].from,
                     PercentWords(next->loss), CutWindow(result, *next));
}

// "·Paris", or "id 7" without a tokenizer.
std::string TokenWords(const AttentionResult& result, int64_t token) {
  const auto at = static_cast<size_t>(token);
  const std::optional<std::string>& text = result.texts.at(at);
  return text ? VisibleText(*text) : fmt::format("id {}", result.ids.at(at));
}

// "the faithfulness of gender is 90.0 %.", or the mean over relations and its extremes.
std::string FaithfulnessWords(const LreResult& lre) {
  const auto percent = [](const RelationResult& relation) {
    return PercentWords(relation.chosen.faithfulness.mean);
  };
  if (lre.relations.size() == 1) {
    const RelationResult& only = lre.relations[0];
    return fmt::format("the faithfulness of {} is {}{}.", VisibleText(only.name), percent(only),
                       IntervalWords(only.faithfulness_interval, 1, "trials"));
  }
  const auto [low, high] = std::minmax_element(
      lre.relations.begin(), lre.relations.end(), [](const auto& a, const auto& b) {
        return a.chosen.faithfulness.mean < b.chosen.faithfulness.mean;
      });
  const MeanOverRelations& mean = lre.summary.faithfulness;
  const bool differ = low->chosen.faithfulness.mean < high->chosen.faithfulness.mean;
  return fmt::format(
      "the mean faithfulness of {} is {}{}{}.", Count(lre.relations.size(), "relation"),
      PercentWords(mean.mean),
      lre.summary.relations > kFewRelations ? IntervalWords(mean.interval, 1) : "",
      differ ? fmt::format(", from {} ({}) to {} ({})", percent(*low), VisibleText(low->name),
                           percent(*high), VisibleText(high->name))
             : ", the same for each");
}

// The layer with the highest mean faithfulness. Begins with a space. Empty: only one was measured.
std::string MostFaithfulLayer(const LreSummary& summary) {
  if (summary.by_layer.size() < 2) return "";
  const LayerSummary* best = nullptr;
  for (const LayerSummary& layer : summary.by_layer) {
    if (HasValue(layer.faithfulness.mean) &&
        (!best || layer.faithfulness.mean > best->faithfulness.mean))
      best = &layer;
  }
  if (!best) return "";
  return fmt::format(
      " By layer, faithfulness is highest {}: {}.",
      best->layer == kEmbedLayer ? "at the embedding" : "in layer " + LayerName(best->layer),
      PercentWords(best->faithfulness.mean));
}

// The relative change at the last number of tokens; none where it was not measured.
std::optional<double> FinalChange(const MomentResult& moments) {
  const std::vector<std::optional<double>>& change = moments.convergence.change;
  return change.empty() || !HasValue(change.back()) ? std::nullopt : change.back();
}

// "25 %". A change beyond 1 says only that the vector is not known yet.
std::string FinalChangeWords(double change) {
  return change > 1 ? "more than 100 %" : fmt::format("{:.3g} %", 100 * change);
}

}  // namespace

std::string TraceFinding(const TraceResult& result) {
  if (!HasAverage(result)) return "";
  const TraceAverage& average = DrawnAverage(result);
  if (result.summary.isolated) return IsolatedSite(result, average);
  if (result.facts.size() == 1) return OneFact(result);
  const std::string early = EarlySite(result, average);
  return early.empty() ? "" : early + LateSite(result, average);
}

std::string PathsFinding(const PathsResult& result) {
  const std::vector<HeldPart> parts = HeldParts(result);
  if (result.Shown().facts == 0 || parts.empty()) return "";
  const HeldPart& most = *std::max_element(
      parts.begin(), parts.end(),
      [](const HeldPart& a, const HeldPart& b) { return a.Lowers() < b.Lowers(); });
  std::vector<std::string> unchanged;
  for (const HeldPart& part : parts) {
    if (part.largest_change < kNoEffect) unchanged.push_back(part.name);
  }
  const std::string token = result.at == "subject_last" ? "the subject's last token"
                                                        : "the prompt's last token",
                    model = ModelOf(result), effect = EffectName(result.metric);
  if (unchanged.size() == parts.size())
    return fmt::format("With {} restored in {}, severing {} changes the {} by less than {}.", token,
                       model, Listed(unchanged, "or"), effect, kNoEffect);
  std::string text =
      most.Lowers() < kNoEffect
          ? fmt::format("With {} restored in {}, severing no part lowers the {} by {} or more.",
                        token, model, effect, kNoEffect)
          : fmt::format(
                "With {} restored in layer {} of {}, severing {} lowers the {} most: from "
                "{} to {}.",
                token, most.layer, model, most.name, effect, Decimals(most.from, 2),
                Decimals(most.to, 2));
  if (!unchanged.empty())
    text += fmt::format(" Severing {} changes it by less than {} in every layer.",
                        Listed(unchanged, "or"), kNoEffect);
  return text;
}

std::string EditSweepFinding(const EditSweepResult& sweep) {
  const EditSweepSummary& summary = sweep.summary;
  const EditSweepRow* best = summary.Best();
  if (!best || !HasValue(best->means.score.mean)) return "";
  const bool one = summary.pre.records == 1;
  const std::string over =
      fmt::format("{} {}", one ? "In" : "Over", Count(summary.pre.records, "record"));
  if (*best->means.score.mean <= 0) return over + ", no edit has an S above 0.";
  size_t rows = 0;
  for (const ProjectionSummary& projection : summary.projections) rows += projection.rows.size();
  return fmt::format("{}, {} of {} in layer {} {} {} {}.{}", over, one ? "the edit" : "edits",
                     best->projection, best->layer, one ? "has" : "have",
                     rows == 1 ? "an S of" : "the highest S:", ScoreWords(best->means.score),
                     OtherProjections(summary, *best));
}

std::string MassEditFinding(const MassEditResult& result) {
  std::vector<const MassEditPoint*> points;
  for (const MassEditPoint& point : result.points) {
    if (HasValue(point.means.score.mean)) points.push_back(&point);
  }
  if (points.empty()) return "";
  const MassEditPoint &fewest = *points.front(), &most = *points.back();
  if (points.size() == 1)
    return fmt::format("With {} in one model, S is {}.", Count(fewest.edits, "edit"),
                       ScoreWords(fewest.means.score));
  double best = 0;
  for (const MassEditPoint* point : points) best = std::max(best, *point->means.score.mean);
  if (best <= 0) return "S is 0 for every number of edits in one model.";
  int64_t near = 0;
  for (const MassEditPoint* point : points) {
    if (*point->means.score.mean >= best - kNearBest) near = point->edits;
  }
  return fmt::format(
      "With {} in one model, S is {}; with {}, it is {}. {} {} {} S within {} points of its best "
      "({}).",
      Count(fewest.edits, "edit"), Decimals(*fewest.means.score.mean, 1), most.edits,
      Decimals(*most.means.score.mean, 1), near == most.edits ? "Even" : "At most",
      Count(near, "edit"), near == 1 ? "keeps" : "keep", kNearBest, Decimals(best, 1));
}

std::string OneEditFinding(const OneEditResult& edit) {
  const double before = edit.before.p_target, after = edit.after.p_target;
  if (edit.after.top.empty() || !HasValue(before) || !HasValue(after)) return "";
  const std::string passes = edit.loss.empty()
                                 ? "The"
                                 : fmt::format("After {} of the value search, the",
                                               Count(edit.loss.size(), "pass", "passes")),
                    target = fmt::format("p({})", VisibleText(edit.target));
  const std::string change =
      before == after ? fmt::format("leaves {} at {:.3g}", target, after)
                      : fmt::format("{} {} from {:.3g} to {:.3g}",
                                    before < after ? "raises" : "lowers", target, before, after);
  const bool said = edit.before.says_target;
  const char* says = edit.after.says_target
                         ? (said ? "says the target, as it did before" : "now says the target")
                         : (said ? "no longer says the target" : "still does not say the target");
  return fmt::format("{} edit {}. The model {}.", passes, change, says);
}

std::string KnockoutFinding(const KnockoutResult& result) {
  const std::optional<LargestCut> largest = FindLargestCut(result);
  if (result.facts.empty() || !largest) return "";
  const Flow& flow = result.flows[largest->flow];
  if (largest->loss <= kNoLoss)
    return fmt::format("In {} ({}), no {} lowers p(answer) by more than {} %.", result.name,
                       result.mode, flow.to.empty() ? "mean ablation" : "cut", kNoLoss);
  const auto& intervals = result.summary.all.flows[largest->flow].ci95;
  std::optional<std::pair<double, double>> interval;  // of the loss
  if (largest->window < intervals.size() && intervals[largest->window])
    interval = {-intervals[largest->window]->second, -intervals[largest->window]->first};
  return fmt::format("In {} ({}), {} in {} lowers p(answer) most: by {}{}.{}", result.name,
                     result.mode, CutWords(result, flow), CutWindow(result, *largest),
                     PercentWords(largest->loss), IntervalWords(interval, 1),
                     NextSource(result, *largest));
}

std::string AttentionFinding(const AttentionResult& result, const LayerAttention& layer) {
  if (!layer.normalised.defined() || layer.normalised.size(0) < 2) return "";
  const int64_t last = layer.normalised.size(0) - 1;
  const at::Tensor row = layer.normalised[last].to(at::kDouble);
  const auto shares = row.accessor<double, 1>();
  std::optional<int64_t> most;
  for (int64_t from = 0; from < last; ++from) {
    if (HasValue(shares[from]) && (!most || shares[from] > shares[*most])) most = from;
  }
  if (!most) return "";
  const std::string where =
      fmt::format("In layer {} of {}", layer.layer, ModelName(result.options));
  if (shares[*most] <= 0) return where + ", the last token reads no earlier token.";
  const std::string own = HasValue(shares[last]) ? fmt::format(" Its own share is {}.",
                                                               PercentWords(100 * shares[last]))
                                                 : "";
  return fmt::format(
      "{}, the earlier token that the last token reads most is {} (position {}): {} of its row.{}",
      where, TokenWords(result, *most), *most, PercentWords(100 * shares[*most]), own);
}

std::string LreFinding(const LreResult& lre) {
  if (lre.relations.empty() || !HasValue(lre.summary.faithfulness.mean)) return "";
  return fmt::format("In {}, {} Chance is {}, and causality {}.{}", ModelName(lre.options),
                     FaithfulnessWords(lre), PercentWords(lre.summary.chance.mean),
                     PercentWords(lre.summary.causality.mean), MostFaithfulLayer(lre.summary));
}

std::string MomentsFinding(const MomentsResult& result) {
  if (result.moments.empty()) return "";
  const MomentResult* most = nullptr;  // the moments with the largest change
  size_t unmeasured = 0;
  bool is_watched = false;
  for (const MomentResult& moments : result.moments) {
    is_watched = is_watched || !moments.convergence.tokens.empty();
    const std::optional<double> change = FinalChange(moments);
    unmeasured += change ? 0 : 1;
    if (change && (!most || *change > *FinalChange(*most))) most = &moments;
  }
  if (!is_watched) return "Convergence was not watched.";
  if (!most)
    return "Convergence could not be measured: there are too few tokens, or C has no inverse.";
  const std::string place = PlaceName(most->place), change = FinalChangeWords(*FinalChange(*most));
  if (result.moments.size() == 1)
    return fmt::format("The last doubling of the text changes C⁻¹k at {} by {}.", place, change);
  return fmt::format("The last doubling of the text changes C⁻¹k most at {}: by {}.{}", place,
                     change,
                     unmeasured == 0 ? ""
                                     : fmt::format(" At {} of {} places, no change was measured.",
                                                   unmeasured, result.moments.size()));
}

}  // namespace mambascope
