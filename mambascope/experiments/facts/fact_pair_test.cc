// Tests the choice of facts and of other subjects on the bundled model. Every pair is compared with
// the data and with whole passes, prompt by prompt.
#include "mambascope/experiments/facts/fact_pair.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/intervene/run.h"

namespace mambascope {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Facts = ChoiceOptions::Facts;
using Corruption = ChoiceOptions::Corruption;

TEST(IsAnswerTest, ObjectBeginsWithTheTokenWhateverTheCaseAndTheSpaces) {
  const struct {
    const char *token, *object;
    bool want;
  } kCases[] = {{" Paris", "Paris", true},
                {" par", "Paris", true},
                {"PARIS", " paris ", true},
                {" Par\n", "Paris", true},
                {" S", "Spain", true},
                {" new york", "New York City", true},
                {"\u00a0Paris", "Paris\u3000", true},
                {" \u00d6", "\u00f6sterreich", true},
                {" \u042d\u0439", "\u044d\u0439\u0444\u0435\u043b\u0435\u0432\u0430", true},
                {" Parisian", "Paris", false},
                {" ris", "Paris", false},
                {" the", "Paris", false},
                {" O", "\u00f6sterreich", false},
                {"\ufffd", "\u00f6sterreich", false},
                {"", "Paris", false},
                {"  \n", "Paris", false},
                {" Paris", "", false},
                {"", "", false}};
  for (const auto& [token, object, want] : kCases)
    EXPECT_EQ(IsAnswer(token, object), want) << "'" << token << "' of '" << object << "'";
}

class ChoosePairsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const auto folder = RepositoryFolder() / "models/demo-mamba";
    model_ = std::make_unique<Model>(Model::Load(folder));
    tokenizer_ = std::make_unique<Tokenizer>(Tokenizer::Load(folder));
    for (const char* name : {"river_continent", "landmark_city"}) {
      std::vector<Fact> facts = ToFacts(ReadRelations(
          {RepositoryFolder() / "data/demo/relations" / (std::string(name) + ".json")}));
      facts.resize(50);
      data_.insert(data_.end(), facts.begin(), facts.end());
    }
    // The model knows the true object, so it does not know this fact.
    for (size_t i = 0; i < data_.size(); i += 3) data_[i].object = "Atlantis";
  }
  static void TearDownTestSuite() {
    model_.reset();
    tokenizer_.reset();
    data_.clear();
  }

  static Choice Choose(const std::vector<Fact>& facts, const ChoiceOptions& options = {}) {
    return ChoosePairs(*model_, *tokenizer_, facts, options);
  }
  // Whether the most probable next token begins the fact's object, by a whole pass of its prompt
  // alone.
  static bool Knows(const Fact& fact) {
    const at::Tensor logits =
        mambascope::Run(*model_, {MakePrompt(*tokenizer_, fact.pattern, fact.subject).ids})
            .LastLogits();
    const auto id = logits[0].argmax().item<int64_t>();
    return IsAnswer(tokenizer_->Decode(std::span(&id, 1)), fact.object);
  }
  static int64_t SubjectLength(const std::string& pattern, const std::string& subject) {
    const Span span = MakePrompt(*tokenizer_, pattern, subject).subject_span;
    return span.end - span.begin;
  }
  static std::vector<std::string> Names(const Choice& choice) {
    std::vector<std::string> names;
    for (const FactPair& pair : choice.pairs)
      names.push_back(pair.relation + ": " + pair.clean.text +
                      (pair.corrupt ? " / " + pair.corrupt->text : ""));
    return names;
  }

  static inline std::unique_ptr<Model> model_;
  static inline std::unique_ptr<Tokenizer> tokenizer_;
  // Two relations, each with distinct subjects. Every third fact has a wrong object.
  static inline std::vector<Fact> data_;
};

// Without a limit, all known facts are chosen. Their partners are known too, and equally long where
// such a partner exists.
TEST_F(ChoosePairsTest, EveryKnownFactHasAKnownPartnerOfItsRelation) {
  const Choice choice = Choose(data_);
  std::vector<Fact> known;
  for (const Fact& fact : data_) {
    if (Knows(fact)) known.push_back(fact);
  }
  ASSERT_GT(known.size(), 40u);
  ASSERT_LT(known.size(), 80u);
  ASSERT_EQ(choice.pairs.size(), known.size());
  const auto find = [&](const std::string& relation, const std::string& subject) {
    return std::find_if(known.begin(), known.end(), [&](const Fact& f) {
      return f.relation == relation && f.subject == subject;
    });
  };
  std::set<std::string> subjects, partners;
  int equal = 0, unequal = 0;
  for (const FactPair& pair : choice.pairs) {
    const auto own = find(pair.relation, pair.clean.subject);
    ASSERT_NE(own, known.end()) << pair.clean.text;
    ASSERT_TRUE(pair.corrupt.has_value());
    const auto partner = find(pair.relation, pair.corrupt->subject);
    ASSERT_NE(partner, known.end()) << pair.clean.subject << " / " << pair.corrupt->subject;
    EXPECT_NE(partner->subject, own->subject);
    EXPECT_NE(partner->object, own->object);
    EXPECT_EQ(pair.clean.ids, MakePrompt(*tokenizer_, own->pattern, own->subject).ids);
    EXPECT_EQ(pair.corrupt->ids, MakePrompt(*tokenizer_, own->pattern, partner->subject).ids);
    EXPECT_EQ(pair.answer_id, std::nullopt) << "the answer is the model's own";
    const auto fits = [&](const Fact& f) {
      return f.relation == own->relation && f.subject != own->subject && f.object != own->object &&
             SubjectLength(own->pattern, f.subject) == SubjectLength(own->pattern, own->subject);
    };
    const bool possible = std::any_of(known.begin(), known.end(), fits);
    EXPECT_EQ(fits(*partner), possible) << pair.clean.subject << " / " << pair.corrupt->subject;
    ++(possible ? equal : unequal);
    subjects.insert(own->relation + own->subject);
    partners.insert(partner->relation + partner->subject);
  }
  EXPECT_EQ(subjects.size(), choice.pairs.size()) << "each fact once";
  EXPECT_GT(partners.size(), 20u) << "partners are drawn, not always the same";
  EXPECT_GT(equal, 0);
  EXPECT_GT(unequal, 0) << "the data should have a subject of a length of its own";
}

TEST_F(ChoosePairsTest, SeedDeterminesTheChoice) {
  const std::vector<std::string> zero = Names(Choose(data_, {.limit = 12, .seed = 4}));
  EXPECT_EQ(Names(Choose(data_, {.limit = 12, .seed = 4})), zero);
  EXPECT_NE(Names(Choose(data_, {.limit = 12, .seed = 5})), zero);
  EXPECT_FALSE(std::is_sorted(zero.begin(), zero.end())) << "facts come shuffled, relations mixed";
}

// 64 facts are asked at a time, and the larger limits need more than that.
TEST_F(ChoosePairsTest, LargerLimitBeginsWithTheSmallerOnesPairs) {
  const std::vector<std::string> all = Names(Choose(data_, {.seed = 9}));
  for (const size_t limit : {size_t{1}, size_t{5}, all.size() - 3}) {
    const std::vector<std::string> some =
        Names(Choose(data_, {.limit = static_cast<int64_t>(limit), .seed = 9}));
    EXPECT_EQ(some, std::vector(all.begin(), all.begin() + static_cast<int64_t>(limit))) << limit;
  }
  EXPECT_EQ(Names(Choose(data_, {.limit = 1000, .seed = 9})), all)
      << "a limit beyond the data is no limit";
}

TEST_F(ChoosePairsTest, CountsEachRelationsFacts) {
  const Choice choice = Choose(data_);
  ASSERT_EQ(choice.relations.size(), 2u);
  EXPECT_EQ(choice.relations[0].name, "river_continent") << "in the order of the data";
  for (const RelationCount& count : choice.relations) {
    const auto here = [&](const Fact& fact) { return fact.relation == count.name; };
    EXPECT_EQ(count.facts, 50);
    EXPECT_EQ(count.tested, 50);
    EXPECT_EQ(count.known, std::count_if(data_.begin(), data_.end(), [&](const Fact& fact) {
                return here(fact) && Knows(fact);
              }));
    EXPECT_EQ(count.chosen,
              std::count_if(choice.pairs.begin(), choice.pairs.end(),
                            [&](const FactPair& pair) { return pair.relation == count.name; }));
    EXPECT_EQ(count.chosen + count.without_partner, count.known);
  }
}

TEST_F(ChoosePairsTest, FactWithoutAPartnerIsLeftOutAndCounted) {
  std::vector<Fact> facts = {data_[1], data_[2]};  // both African rivers
  ASSERT_EQ(facts[0].object, facts[1].object);
  facts.insert(facts.end(), data_.begin() + 50, data_.end());
  const Choice choice = Choose(facts);
  EXPECT_EQ(choice.relations[0].known, 2);
  EXPECT_EQ(choice.relations[0].without_partner, 2);
  EXPECT_EQ(choice.relations[0].chosen, 0);
  EXPECT_GT(choice.relations[1].chosen, 20);
  for (const FactPair& pair : choice.pairs) EXPECT_EQ(pair.relation, "landmark_city");
}

TEST_F(ChoosePairsTest, NoPartnerAtAllIsAnErrorThatSaysSo) {
  const std::vector<Fact> same_object = {data_[1], data_[2]};
  const std::string known = ErrorOf([&] { Choose(same_object); });
  EXPECT_THAT(known, AllOf(HasSubstr("another subject"), Not(HasSubstr("knows none"))))
      << "it knows both";
  const std::string all = ErrorOf([&] { Choose(same_object, {.facts = Facts::kAll}); });
  EXPECT_THAT(all, AllOf(HasSubstr("another subject"), Not(HasSubstr("--all-facts"))))
      << "that is given already";
}

TEST_F(ChoosePairsTest, NoneKnownIsAnError) {
  const std::vector<Fact> unknown = {data_[0], data_[3]};
  EXPECT_THAT(ErrorOf([&] { Choose(unknown); }),
              AllOf(HasSubstr("knows none of the facts (2 tested)"), HasSubstr("--all-facts")));
  EXPECT_THAT(ErrorOf([&] { Choose(unknown, {.corruption = Corruption::kNoise}); }),
              HasSubstr("knows none of the facts (2 tested)"));
}

TEST_F(ChoosePairsTest, AllFactsTakesUnknownOnesAndAsksNothing) {
  const Choice choice = Choose(data_, {.facts = Facts::kAll});
  EXPECT_EQ(choice.pairs.size(), data_.size());
  for (const RelationCount& count : choice.relations) {
    EXPECT_EQ(count.chosen, 50);
    EXPECT_EQ(count.tested, 0);
    EXPECT_EQ(count.known, 0);
  }
}

TEST_F(ChoosePairsTest, NoiseNeedsNoPartner) {
  const Choice choice = Choose({data_[1], data_[2], data_[3]}, {.corruption = Corruption::kNoise});
  ASSERT_EQ(choice.pairs.size(), 2u) << "the third is unknown";
  for (const FactPair& pair : choice.pairs) EXPECT_FALSE(pair.corrupt.has_value());
  EXPECT_EQ(choice.relations[0].without_partner, 0);
  EXPECT_EQ(choice.relations[0].chosen, 2);
}

TEST_F(ChoosePairsTest, KnownFactsAreThoseThatAllModelsKnow) {
  const auto short_subject = [](const std::vector<Fact>& asked) {
    std::vector<bool> knows;
    for (const Fact& fact : asked) knows.push_back(fact.subject.size() < 10);
    return knows;
  };
  const auto all_known = [](const std::vector<Fact>& asked) {
    for (const Fact& fact : asked)
      EXPECT_LT(fact.subject.size(), 10u) << "asked of what the model before does not know";
    return std::vector<bool>(asked.size(), true);
  };
  const Choice alone = Choose(data_, {.corruption = Corruption::kNone}),
               both = Choose(data_, {.corruption = Corruption::kNone,
                                     .also_known = {short_subject, all_known}});
  const auto chosen = [](const Choice& choice) {
    return std::set<Fact>(choice.facts.begin(), choice.facts.end());
  };
  std::set<Fact> want;
  for (const Fact& fact : chosen(alone)) {
    if (fact.subject.size() < 10) want.insert(fact);
  }
  EXPECT_EQ(chosen(both), want);
  EXPECT_GT(want.size(), 5u);
  EXPECT_LT(want.size(), alone.facts.size());
  ASSERT_EQ(both.facts.size(), both.pairs.size());
  for (size_t i = 0; i < both.facts.size(); ++i)
    EXPECT_EQ(both.pairs[i].clean.subject, both.facts[i].subject);
}

// EasyEdit's files name no relation, so facts of the same pattern form one.
TEST_F(ChoosePairsTest, FactsWithoutARelationAreGroupedByTheirPattern) {
  std::vector<Fact> facts = data_;
  for (Fact& fact : facts) fact.relation.clear();
  const Choice choice = Choose(facts, {.limit = 30});
  ASSERT_EQ(choice.relations.size(), 1u);
  EXPECT_EQ(choice.relations[0].facts, 100);
  std::set<std::string> patterns;
  for (const FactPair& pair : choice.pairs) {
    const auto fact_of = [&](const std::string& subject) {
      return *std::find_if(facts.begin(), facts.end(),
                           [&](const Fact& f) { return f.subject == subject; });
    };
    EXPECT_EQ(fact_of(pair.corrupt->subject).pattern, fact_of(pair.clean.subject).pattern)
        << pair.corrupt->text;
    patterns.insert(fact_of(pair.clean.subject).pattern);
  }
  EXPECT_EQ(patterns.size(), 2u);
}

// CounterFact asks for one relation with several patterns.
TEST_F(ChoosePairsTest, PartnersSubjectStandsInTheFactsOwnPattern) {
  std::vector<Fact> facts(data_.begin() + 50, data_.end());
  for (size_t i = 0; i < facts.size(); i += 2)
    facts[i].pattern = "The landmark called {} can be found in";
  bool other_pattern = false;
  for (const FactPair& pair : Choose(facts).pairs) {
    const auto fact_of = [&](const std::string& subject) {
      return *std::find_if(facts.begin(), facts.end(),
                           [&](const Fact& f) { return f.subject == subject; });
    };
    const Fact own = fact_of(pair.clean.subject);
    EXPECT_EQ(pair.corrupt->text, MakePrompt(*tokenizer_, own.pattern, pair.corrupt->subject).text);
    other_pattern = other_pattern || fact_of(pair.corrupt->subject).pattern != own.pattern;
  }
  EXPECT_TRUE(other_pattern);
}

TEST_F(ChoosePairsTest, ProgressNeverCountsMoreFactsThanThereAre) {
  int64_t chosen = 0, tested = 0;
  const auto progress = [&](int64_t c, int64_t t) {
    EXPECT_GE(c, chosen);
    EXPECT_LE(t, static_cast<int64_t>(data_.size()));
    chosen = c, tested = t;
  };
  const Choice choice = Choose(data_, {.progress = progress});
  EXPECT_EQ(chosen, static_cast<int64_t>(choice.pairs.size()));
  EXPECT_EQ(tested, static_cast<int64_t>(data_.size()));
}

}  // namespace
}  // namespace mambascope
