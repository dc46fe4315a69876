#include "mambascope/cli/edit_record.h"

#include <fmt/format.h>

#include <algorithm>

#include "mambascope/checkpoint/fingerprint.h"
#include "mambascope/data/attribute_snippets.h"
#include "mambascope/data/counterfact.h"
#include "mambascope/data/random.h"
#include "mambascope/data/relation.h"
#include "mambascope/data/zsre.h"
#include "mambascope/error.h"
#include "mambascope/experiments/editing/counterfact_evaluation.h"
#include "mambascope/experiments/facts/fact_pair.h"
#include "mambascope/experiments/editing/text_measures.h"
#include "mambascope/experiments/editing/zsre_evaluation.h"
#include "mambascope/figures/values.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

Json MeasuresJson(const RecordScores& scores) {
  Json json;
  const std::pair<PromptKind, char> kKinds[] = {
      {PromptKind::kRewrite, 'E'}, {PromptKind::kParaphrase, 'P'}, {PromptKind::kNeighborhood, 'N'}};
  for (const auto& [kind, letter] : kKinds) {
    const auto found = scores.find(kind);
    const Measures m = found == scores.end() ? Measures() : MeasuresOf(found->second, kind);
    const auto set = [&](char what, double value) { json[std::string{letter, what}] = found == scores.end() ? Json() : Json(value); };
    set('S', m.success);
    set('D', m.magnitude);
    set('A', m.accuracy);
  }
  return json;
}

EditRecord MakeRecord(const CounterFactRecord& r, const EditSetup& setup, const std::shared_ptr<const References>& references,
                      const std::optional<TextMeasuresOptions>& generate) {
  return {.head = {{"case_id", r.case_id},
                   {"relation", r.relation},
                   {"prompt", r.pattern},
                   {"subject", r.subject},
                   {"target_new", r.target_new},
                   {"target_true", r.target_true},
                   {"digest", FingerprintText(DumpJson({r.target_new_id, r.target_true_id, r.paraphrase_prompts, r.neighborhood_prompts,
                                                      r.generation_prompts}))}},
          .rewrite = {r.pattern, r.subject, r.target_new},
          .true_object = r.target_true,
          .evaluate = [r, &setup, references, generate](const Model& model) {
            Json json = MeasuresJson(EvaluateRecords(model, setup.tokenizer(), {r})[0]);
            if (generate) {
              const TextMeasures texts = MeasureTexts(model, setup.tokenizer(), r, references.get(), *generate);
              json.update({{"entropy", ValueJson(texts.ngram_entropy)}, {"reference", ValueJson(texts.reference_score)}});
            }
            return json;
          }};
}

// zsRE: the answer to write is `alt`, where the file has it, else the first. It has no successes: the shares of correct tokens stand for
// them, as in the public implementation's score.
EditRecord MakeRecord(const ZsreRecord& r, size_t index, const Tokenizer& tokenizer) {
  return {.head = {{"case_id", index},
                   {"relation", ""},
                   {"prompt", r.pattern},
                   {"subject", r.subject},
                   {"target_new", r.alt.empty() ? r.answers[0] : r.alt},
                   {"target_true", r.answers[0]},
                   {"digest", FingerprintText(DumpJson({r.rephrase, r.loc, r.loc_ans}))}},
          .rewrite = {r.pattern, r.subject, r.alt.empty() ? r.answers[0] : r.alt},
          .true_object = r.answers[0],
          .evaluate = [r, &tokenizer](const Model& model) {
            const ZsreScores scores =
                EvaluateZsre(model, tokenizer, {r},
                             {.target = r.alt.empty() ? ZsreEvaluationOptions::Target::kAnswer : ZsreEvaluationOptions::Target::kAlt})[0];
            Json json;
            const std::pair<char, const TargetScore*> kKinds[] = {
                {'E', &scores.rewrite}, {'P', &scores.paraphrase}, {'N', &scores.neighborhood}};
            for (const auto& [letter, score] : kKinds) {
              json[std::string{letter, 'S'}] = score->Accuracy();
              json[std::string{letter, 'A'}] = score->AllCorrect() ? 1.0 : 0.0;
            }
            return json;
          }};
}

// What --snippets names; null without it.
std::shared_ptr<const References> ReadReferences(const EditOptions& o) {
  if (o.snippets.empty()) return nullptr;
  const bool relations = fs::is_directory(o.snippets) || ReadJson(o.snippets).is_object();
  return std::make_shared<References>(relations ? SnippetsOf(ReadRelations({o.snippets})) : ReadAttributeSnippets(o.snippets));
}

std::vector<EditRecord> ReadRecords(const EditOptions& o, const EditSetup& setup, uint64_t seed) {
  std::vector<EditRecord> records;
  std::optional<TextMeasuresOptions> generate;
  if (o.generate) generate = {.seed = seed};
  const std::shared_ptr<const References> references = ReadReferences(o);
  for (const std::string& file : o.counterfact) {
    for (const CounterFactRecord& record : ReadCounterFact(file)) records.push_back(MakeRecord(record, setup, references, generate));
  }
  for (const std::string& file : o.zsre) {
    for (const ZsreRecord& record : ReadZsre(file)) records.push_back(MakeRecord(record, records.size(), setup.tokenizer()));
  }
  return records;
}

}  // namespace

RewritePrompts PromptsOf(const EditRecord& record, const EditSetup& setup) try {
  return PrepareRewrite(setup.tokenizer(), record.rewrite, setup.contexts());
} catch (const Error& e) {
  throw Error(fmt::format("case_id {}: {}", record.head.at("case_id").dump(), e.what()));
}

ChosenRecords ChooseRecords(const CommonOptions& common, const EditOptions& o, const EditSetup& setup) {
  constexpr size_t kAtATime = 256;
  std::vector<EditRecord> records = ReadRecords(o, setup, common.seed);
  ChosenRecords chosen{.records = {}, .of = static_cast<int64_t>(records.size())};
  Random(common.seed).Shuffle(records);
  const size_t limit = o.limit > 0 ? static_cast<size_t>(o.limit) : records.size();
  for (size_t begin = 0; begin < records.size() && chosen.records.size() < limit; begin += kAtATime) {
    const size_t end = std::min(begin + kAtATime, records.size());
    std::vector<Fact> facts;
    for (size_t i = begin; i < end; ++i)
      facts.push_back({"", records[i].rewrite.pattern, records[i].rewrite.subject, records[i].true_object});
    const std::vector<bool> known =
        o.all_facts ? std::vector<bool>(facts.size(), true) : KnowsFacts(setup.model(), setup.tokenizer(), facts);
    for (size_t i = begin; i < end && chosen.records.size() < limit; ++i, ++chosen.tested) {
      if (known[i - begin]) chosen.records.push_back(std::move(records[i]));
    }
  }
  if (chosen.records.empty())
    throw Error(fmt::format("the model knows the true object of none of the {} records", records.size()),
                "--all-facts edits them all the same");
  return chosen;
}

}  // namespace mambascope
