#include "mambascope/reports/fact_text.h"

#include <fmt/format.h>

#include "mambascope/figures/label.h"
#include "mambascope/plural.h"
#include "mambascope/reports/result_page.h"

namespace mambascope {

std::string FactText(const TracedFact& fact) {
  const bool guarded = Effect(fact) < kGuard;
  return fmt::format("{} -> {}\n  clean      p = {:.4g}  ({})\n  corrupted  p = {:.4g}  ({})\n{}\n",
                     fact.clean.text, VisibleText(fact.answer), fact.p_clean, fact.clean.subject,
                     fact.p_corrupt, fact.corrupt ? fact.corrupt->subject : "noise",
                     guarded ? "  The clean prompt does not make this answer more probable, so "
                               "there is nothing to restore.\n"
                             : "");
}

std::string FactsText(size_t facts, const std::vector<RelationCount>& relations) {
  if (relations.empty()) return "";
  std::string text = Count(facts, "fact") + "\n";
  for (const RelationCount& r : relations) {
    if (r.chosen > 0 || r.without_partner > 0)
      text += fmt::format(
          "  {:<32} {:>5} {:<6} {}{:>5} chosen{}\n", r.name.empty() ? "(no relation)" : r.name,
          r.facts, r.facts == 1 ? "fact," : "facts,",
          r.tested > 0  // with --all-facts nothing is tested
              ? fmt::format("{:>5} tested, {:>5} known, ", r.tested, r.known)
              : "",
          r.chosen,
          r.without_partner > 0 ? fmt::format(", {} without another subject", r.without_partner)
                                : "");
  }
  return text;
}

}  // namespace mambascope
