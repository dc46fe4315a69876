#include "mambascope/cli/facts.h"

#include <fmt/format.h>

#include <algorithm>

#include "mambascope/cli/interrupt.h"
#include "mambascope/cli/progress.h"
#include "mambascope/cli/prompt_warnings.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

bool IsNoisy(const FactArguments& o) { return o.corruption && o.corruption->noise; }

ChoiceOptions::Corruption WantedCorruption(const FactArguments& o) {
  if (!o.corruption) return ChoiceOptions::Corruption::kNone;
  return IsNoisy(o) ? ChoiceOptions::Corruption::kNoise : ChoiceOptions::Corruption::kOtherSubject;
}

// With --all-facts, tracing can do without the true object. A knockout follows its first token.
std::vector<Fact> ReadFactFiles(const FactArguments& o, ReadFaults& faults) {
  const bool needs_truth = !o.all_facts || !o.corruption;
  std::vector<Fact> facts;
  if (!o.relations.empty())
    facts = ToFacts(ReadRelations({o.relations.begin(), o.relations.end()}, &faults));
  for (const std::string& file : o.counterfact) {
    std::vector<Fact> more =
        ToFacts(ReadCounterFact(file, {.truth = needs_truth, .edit = false}, &faults));
    facts.insert(facts.end(), more.begin(), more.end());
  }
  return Distinct(facts);
}

// One fact of --prompt and --subject.
FactPair OneFact(const FactArguments& o, const Tokenizer& tokenizer) {
  const std::string pattern = GivenPattern(*o.prompt, *o.subject);
  FactPair pair{.relation = {},
                .clean = MakePrompt(tokenizer, pattern, *o.subject),
                .corrupt = {},
                .answer_id = {}};
  if (o.answer) pair.answer_id = FirstToken(tokenizer, *o.answer);
  if (o.corruption && o.corruption->subject)
    pair.corrupt = MakePrompt(tokenizer, pattern, *o.corruption->subject);
  if (o.corruption && o.corruption->other_answer)
    pair.other_answer_id = FirstToken(tokenizer, *o.corruption->other_answer);
  return pair;
}

// None where facts are corrupted in another way.
std::optional<Noise> MakeNoise(const CommonArguments& common, const FactArguments& o,
                               const Model& model, const Tokenizer& tokenizer,
                               const std::vector<std::string>& subjects) {
  if (!IsNoisy(o)) return std::nullopt;
  if (common.Seed() > UINT32_MAX)
    throw Error("--seed: noise takes seeds up to 4294967295, as NumPy does");
  return Noise{.std = *o.corruption->noise * EmbeddingStd(model, tokenizer, subjects),
               .samples = o.corruption->samples.value_or(Noise().samples),
               .seed = static_cast<uint32_t>(common.Seed())};
}

}  // namespace

std::vector<std::string> FactArguments::files() const {
  std::vector<std::string> files = relations;
  files.insert(files.end(), counterfact.begin(), counterfact.end());
  return files;
}

void VisitCorruptionOptions(CorruptionArguments& a, OptionVisitor& option) {
  option.Topic("Corruption");
  option(&a.subject, {.names = "--corrupt-subject",
                      .help = "Another subject, which makes the corrupted prompt of one fact"});
  option(&a.noise, {.names = "--noise",
                    .help = "Corrupt the subject by Gaussian noise on its tokens' embeddings. The "
                            "number is the noise level in standard deviations of the embeddings "
                            "(published: 3)",
                    .otherwise = "no noise",
                    .bounds = Numbers{1e-6, 1e6}});
  option(&a.samples, {.names = "--samples",
                      .help = "Number of draws of the noise",
                      .otherwise = std::to_string(Noise().samples),
                      .bounds = Integers{1, 1000},
                      .decides = Decides::kResolved});
}

void VisitFactOptions(FactArguments& a, const std::string& folder, OptionVisitor& option) {
  option.Topic("Facts of data sets");
  option(&a.relations, {.names = "--relations",
                        .help = "RELATIONS file, or folder of such files; repeatable",
                        .decides = Decides::kSelection});
  option(&a.counterfact, {.names = "--counterfact",
                          .help = "File of facts: CounterFact, a variant of it, known facts, "
                                  "EasyEdit, KnowEdit or zsRE (docs/data.md); repeatable",
                          .decides = Decides::kSelection});
  option(&a.limit, {.names = "--limit",
                    .help = "Maximum number of known facts, in an order shuffled by --seed",
                    .otherwise = "all",
                    .bounds = Integers{1, 1'000'000'000},
                    .decides = Decides::kSelection});
  option(&a.all_facts, {.names = "--all-facts",
                        .help = "Also take facts that the model does not know",
                        .decides = Decides::kSelection});
  option.Topic("One fact");
  option(&a.prompt,
         {.names = "--prompt",
          .help = "Prompt of one fact, with {} for the subject, as \"{} is located in\""});
  option(&a.subject, {.names = "--subject", .help = "Subject of one fact"});
  option(&a.answer, {.names = "--answer",
                     .help = "Answer of one fact; p(answer) is that of its first token",
                     .otherwise = "the clean prompt's most probable token"});
  option.Topic("Memory and output");
  VisitMemoryOption(a.memory, "a sweep", option);
  VisitOutputOptions(a.output, fmt::format("{0}; with files of facts {0}-FILE", folder), option);
  if (!a.corruption) return;
  VisitCorruptionOptions(*a.corruption, option);
  option.Topic("Measure");
  option(&a.corruption->metric,
         {.names = "--metric",
          .help = "What figures and averages show: p(answer), or the logit difference between the "
                  "answer and the other answer. Both are recorded",
          .bounds = OneOf{{"p", "logit_diff"}},
          .decides = Decides::kSelection});
  option(&a.corruption->other_answer,
         {.names = "--other-answer",
          .help = "One fact: the other answer of logit differences, of which the first token is "
                  "followed",
          .otherwise = "the most probable token after the prompt with another subject; none with "
                       "noise"});
}

void CheckFacts(const FactArguments& a) {
  const bool files = a.FromFiles(), one = a.prompt || a.subject;
  Refuse(files && one,
         "--prompt and --subject name one fact; --relations and --counterfact name many. Give one "
         "kind");
  Refuse(!files && (!a.prompt || !a.subject),
         "there are no facts: give --prompt and --subject, or --relations, or --counterfact");
  if (a.corruption) {
    const auto& [other, noise, samples, metric, other_answer] = *a.corruption;
    Refuse(noise && other,
           "--noise and --corrupt-subject are two ways to corrupt a prompt: give one");
    Refuse(!noise && samples, "--samples needs --noise");
    Refuse(!files && !noise && !other, "one fact needs --corrupt-subject or --noise");
    Refuse(files && other, "--corrupt-subject needs --prompt: it belongs to one fact");
    Refuse(files && other_answer, "--other-answer needs --prompt: it belongs to one fact");
    Refuse(metric == "logit_diff" && noise && files,
           "--metric logit_diff does not go with --noise for facts of files: there is no other "
           "answer");
    Refuse(metric == "logit_diff" && noise && !other_answer,
           "--metric logit_diff with --noise needs --other-answer: noise has no answer of its own");
  }
  Refuse(!files && (a.limit || a.all_facts),
         "--limit and --all-facts need --relations or --counterfact");
  Refuse(files && a.answer, "--answer needs --prompt: it belongs to one fact");
}

int64_t FirstToken(const Tokenizer& tokenizer, const std::string& text) {
  if (text.empty()) throw Error("the answer is empty");
  const std::vector<Token> tokens = tokenizer.EncodeAnswer(text);
  if (tokens.empty()) throw Error(fmt::format("the answer '{}' has no token", text));
  return tokens.front().id;
}

void NameAnswers(const Tokenizer& tokenizer, TracedFact& fact) {
  fact.answer = tokenizer.DecodeToken(fact.answer_id).value_or("");
  if (fact.other_answer_id)
    fact.other_answer = tokenizer.DecodeToken(*fact.other_answer_id).value_or("");
}

AskedFacts ReadFacts(const CommonArguments& common, const FactArguments& o) {
  AskedFacts asked;
  if (o.prompt) {
    (void)GivenPattern(*o.prompt, *o.subject);  // throws where the prompt lacks the subject
    if (o.corruption && o.corruption->subject == o.subject)
      throw Error("--corrupt-subject is the same as --subject", "name another subject");
    WarnOfPrompt(common, *o.prompt);
    WarnOfSubject(common, *o.prompt, *o.subject);
    if (o.corruption && o.corruption->subject)
      WarnOfSpace(common, "the other subject", *o.corruption->subject);
    asked.subjects = {*o.subject};
    return asked;
  }
  ReadFaults faults;
  asked.facts = ReadFactFiles(o, faults);
  WarnOfFaults(common, faults);
  asked.left_out = static_cast<int64_t>(faults.left_out.size());
  for (const Fact& fact : asked.facts) asked.subjects.push_back(fact.subject);
  return asked;
}

void FitFacts(const CommonArguments& common, const FactArguments& o, const Model& model,
              const Tokenizer& tokenizer, AskedFacts& asked) {
  if (o.prompt) asked.one = OneFact(o, tokenizer);
  asked.noise = MakeNoise(common, o, model, tokenizer, asked.subjects);
}

void DescribeFacts(const AskedFacts& asked, RunDescription& run) {
  if (asked.left_out > 0) run.Mentions("left_out", asked.left_out);
  if (!asked.noise) return;
  run.DependsOn("noise_std", asked.noise->std);
  run.DependsOn("samples", asked.noise->samples);
}

FactWork ChooseFacts(const CommonArguments& common, const FactArguments& o, const AskedFacts& asked,
                     const Model& model, const Tokenizer& tokenizer,
                     const std::vector<FurtherModel>& others) {
  if (asked.one) return {.pairs = {*asked.one}, .facts = {}, .relations = {}, .noise = asked.noise};
  const auto wanted = std::min(o.limit.value_or(static_cast<int64_t>(asked.facts.size())),
                               static_cast<int64_t>(asked.facts.size()));
  Progress progress({.what = "choosing facts", .unit = "facts", .total = wanted},
                    common.progress());
  ChoiceOptions options{
      .limit = o.limit.value_or(0),
      .facts = o.all_facts ? ChoiceOptions::Facts::kAll : ChoiceOptions::Facts::kKnown,
      .corruption = WantedCorruption(o),
      .seed = common.Seed(),
      .progress = [&](int64_t chosen, int64_t tested) {
        progress(static_cast<double>(o.limit ? chosen : tested), wanted, tested);
      }};
  for (const auto& [other, its_tokenizer] : others)
    options.also_known.emplace_back(
        [other = other, its_tokenizer = its_tokenizer](const std::vector<Fact>& facts) {
          return KnowsFacts(*other, *its_tokenizer, facts);
        });
  Choice choice = ChoosePairs(model, tokenizer, asked.facts, options);
  return {.pairs = std::move(choice.pairs),
          .facts = std::move(choice.facts),
          .relations = std::move(choice.relations),
          .noise = asked.noise};
}

OutputFolder OpenFolder(const std::string& name, const CommonArguments& common,
                        const FactArguments& o, const std::string& default_folder,
                        const std::vector<std::vector<std::string>>& stores) {
  std::vector<std::string> files = {name + ".json", name + ".html"};
  for (const std::vector<std::string>& of_model : stores) {
    for (const std::string& store : of_model) {
      if (o.FromFiles()) files.push_back(store + ".jsonl");
    }
  }
  return OpenOutput(common, o.output, default_folder, files);
}

FactStores::FactStores(const std::vector<std::string>& names, const CommonArguments& common,
                       const FactArguments& o, const OutputFolder& folder,
                       const std::vector<RunDescription>& runs) {
  for (size_t i = 0; i < names.size(); ++i)
    stores_.push_back(o.FromFiles() ? std::make_unique<ResultStore>(
                                          folder / (names[i] + ".jsonl"), runs.at(i).identity,
                                          o.output.others(), ListenerOf(common))
                                    : nullptr);
}

std::vector<ResultStore*> FactStores::all() {
  std::vector<ResultStore*> all;
  for (const auto& store : stores_) all.push_back(store.get());
  return all;
}

}  // namespace mambascope
