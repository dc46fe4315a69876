#include "mambascope/intervene/token_states.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/intervene/run.h"

namespace mambascope {
namespace {

class TokenStatesTest : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Checkpoints, TokenStatesTest, testing::ValuesIn(TinyCheckpoints()),
                         TestName);

// Many prompts, in several passes, at low and high places.
TEST_P(TokenStatesTest, AreThoseOfWholeRuns) {
  const Model model = Model::Load(GoldenFolder() / GetParam());
  const std::vector<EditableWeight> weights = model.layer(0).editable();
  // The prompts of `alike` share their first five tokens. One is read at the last of these.
  std::vector<PromptToken> different, alike;
  for (int64_t i = 0; i < 400; ++i) {
    different.push_back({{7 + i % 50, 30, 21, 150, 9, i % 90, 4, 5, 6, 7}, i % 10});
    alike.push_back({{7, 30, 21, 150, 9, 40 + i % 50, 4, 5, 6, 7}, 5 + i % 5});
  }
  alike[7].token = 4;
  for (const std::vector<PromptToken>& prompts : {different, alike}) {
    for (const std::set<Place>& places :
         {std::set<Place>{{weights[0].key, 0}},
          {{model.layer(1).editable()[0].value, 1}, {Site::kResid, 0}}}) {
      const std::map<Place, at::Tensor> states = TokenStates(model, prompts, places);
      ASSERT_EQ(states.size(), places.size());
      for (const auto& [place, rows] : states) {
        ASSERT_EQ(rows.size(0), 400);
        for (size_t i : {size_t{0}, size_t{7}, size_t{236}, size_t{399}}) {
          const at::Tensor want = mambascope::Run(model, {prompts[i].ids}, {.keep = {place}})
                                      .State(place, 0)[prompts[i].token];
          EXPECT_LT(MaxDifference(rows[static_cast<int64_t>(i)], want),
                    1e-5 * Amplification(GetParam()) * want.abs().max().item<double>())
              << i;
        }
      }
    }
  }
}

}  // namespace
}  // namespace mambascope
