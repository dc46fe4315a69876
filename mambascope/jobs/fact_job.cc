#include "mambascope/jobs/fact_job.h"

#include <fmt/format.h>

#include <map>

#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/error.h"
#include "mambascope/plural.h"

namespace mambascope {

namespace {

Json PromptKey(const Prompt& prompt) {
  return {prompt.text, prompt.subject, prompt.ids, prompt.subject_span.begin,
          prompt.subject_span.end};
}

}  // namespace

std::string FactKey(const FactPair& pair) {
  const Json key = {pair.relation, PromptKey(pair.clean),
                    pair.corrupt ? PromptKey(*pair.corrupt) : Json(), pair.answer_id,
                    pair.other_answer_id};
  return FingerprintText(DumpJson(key));
}

SomeFacts TakeSome(const std::vector<FactPair>& pairs, const std::vector<FactPart>& items) {
  SomeFacts some;
  std::map<size_t, size_t> taken;  // from an index into `pairs` to one into some.pairs
  for (const FactPart& item : items) {
    const auto [found, is_new] = taken.try_emplace(item.fact, some.pairs.size());
    if (is_new) some.pairs.push_back(pairs.at(item.fact));
    some.parts.push_back({found->second, item.part});
  }
  return some;
}

std::string PlanText(const SweepPlan& plan, size_t facts, size_t already) {
  if (facts == 0)
    return fmt::format("plan: nothing is left to compute; {} already computed\n",
                       already == 1 ? "the fact is" : fmt::format("all {} facts are", already));
  std::string text;
  if (already > 0)
    text =
        fmt::format("plan: {} of {} already computed\n", already, Count(already + facts, "fact"));
  const double share = 100.0 * static_cast<double>(plan.layer_tokens) /
                       static_cast<double>(std::max<int64_t>(1, plan.naive_layer_tokens));
  return text + fmt::format(
                    "plan: {}, {} in {}: {} layer-tokens; a full forward pass per cell would "
                    "compute {} ({:.1f} %); at most {}, about {} MB\n",
                    Count(facts, "fact"), Count(plan.cases, "cell"),
                    Count(plan.passes, "pass", "passes"), plan.layer_tokens,
                    plan.naive_layer_tokens, share, Count(plan.peak_rows, "row"),
                    plan.peak_bytes >> 20);
}

std::string CheckText(const Audit& audit, double allowed) {
  if (audit.rechecked == 0)
    return "check: nothing was checked, because all facts were already computed\n";
  const std::string text = fmt::format(
      "check: {} computed again by full forward passes; largest difference of p(answer) {:.1e}\n",
      Count(audit.rechecked, "cell"), audit.largest_difference);
  if (audit.largest_difference > allowed)
    throw Error(
        fmt::format(
            "the sweep and full forward passes differ by {:.1e}, more than rounding explains",
            audit.largest_difference),
        "this is a fault of mambascope: please report the command");
  return text;
}

}  // namespace mambascope
