// Tests the names of sites: mambascope's own, romba's and TransformerLens's.
#include "mambascope/model/site.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "mambascope/checkpoint/test_support.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

const std::vector<SiteInfo> kEverySite = {
    {Site::kEmbed, 4}, {Site::kResid, 4},    {Site::kMixerIn, 4}, {Site::kConvIn, 8},
    {Site::kSsmIn, 8}, {Site::kSsmOut, 8},   {Site::kGateIn, 8},  {Site::kGate, 8},
    {Site::kMixed, 8}, {Site::kMixerOut, 4}, {Site::kMlpMid, 16}, {Site::kMlpOut, 4}};

TEST(SiteTest, EverySiteHasItsOwnNameThatMeansIt) {
  std::set<std::string_view> names;
  for (const SiteInfo& info : kEverySite) {
    EXPECT_EQ(ParseSite(SiteName(info.site), kEverySite), info.site) << SiteName(info.site);
    names.insert(SiteName(info.site));
  }
  EXPECT_EQ(names, (std::set<std::string_view>{"embed", "resid", "mixer_in", "conv_in", "ssm_in",
                                               "ssm_out", "gate_in", "gate", "mixed", "mixer_out",
                                               "mlp_mid", "mlp_out"}));
}

TEST(SiteTest, NamesOfOtherToolsAreUnderstood) {
  const std::pair<const char*, Site> kAliases[] = {
      {"ssm_after_up_proj", Site::kConvIn},  {"ssm_after_silu", Site::kSsmIn},
      {"ssm_after_ssm", Site::kSsmOut},      {"mlp_after_up_proj", Site::kGateIn},
      {"mlp_after_silu", Site::kGate},       {"before_down_proj", Site::kMixed},
      {"after_down_proj", Site::kMixerOut},  {"mlp", Site::kMlpOut},
      {"hook_embed", Site::kEmbed},          {"hook_resid_post", Site::kResid},
      {"mixer.hook_in_proj", Site::kConvIn}, {"mixer.hook_conv", Site::kSsmIn},
      {"mixer.hook_ssm_out", Site::kSsmOut}, {"attn.hook_z", Site::kMixed},
      {"mixer.hook_out", Site::kMixerOut},   {"hook_attn_out", Site::kMixerOut},
      {"mlp.hook_post", Site::kMlpMid},      {"hook_mlp_out", Site::kMlpOut}};
  for (const auto& [alias, site] : kAliases) EXPECT_EQ(ParseSite(alias, kEverySite), site) << alias;
}

// Where attention stands beside a Mamba mixer, its names mean its own sites.
TEST(SiteTest, NamesOfAttentionMeanItsOwnSitesWhereTheyExist) {
  std::vector<SiteInfo> both = kEverySite;
  both.insert(both.end(), {{Site::kAttnMixed, 8}, {Site::kAttnOut, 4}});
  const struct {
    const char* name;
    Site alone, beside;
  } kNames[] = {{"attn.hook_z", Site::kMixed, Site::kAttnMixed},
                {"hook_attn_out", Site::kMixerOut, Site::kAttnOut},
                {"attn_out", Site::kMixerOut, Site::kAttnOut}};
  for (const auto& [name, alone, beside] : kNames) {
    EXPECT_EQ(ParseSite(name, kEverySite), alone) << name;
    EXPECT_EQ(ParseSite(name, both), beside) << name;
  }
}

// std::regex overflows the stack on such names.
TEST(SiteTest, NamesOfAnyLengthAreRefused) {
  const std::vector<SiteInfo> sites = {{Site::kResid, 8}};
  for (const std::string& name :
       {std::string(200'000, 'a'), "blocks." + std::string(200'000, '1'), std::string(200'000, '.'),
        std::string("blocks.1."), std::string("resid."), std::string(".1"),
        std::string("resid.4294967297"), std::string("resid.-1")})
    EXPECT_THAT(ErrorOf([&] { ParsePlace(name, sites, 4); }), testing::HasSubstr("no site"));
  EXPECT_EQ(ParsePlace("resid.1", sites, 4).layer, 1);
  EXPECT_EQ(ParsePlace("resid", sites, 4).layer, std::nullopt);
}

TEST(SiteTest, SiteThatTheModelLacksListsThoseItHas) {
  const std::vector<SiteInfo> two = {{Site::kEmbed, 4}, {Site::kResid, 4}};
  EXPECT_EQ(ParseSite("hook_resid_post", two), Site::kResid);
  for (const char* name : {"gate", "mlp_after_silu", "nonsense", "", "Resid"}) {
    EXPECT_THAT(ErrorOf([&] { ParseSite(name, two); }),
                testing::AllOf(testing::HasSubstr(std::string("site '") + name + "'"),
                               testing::EndsWith("it has: embed, resid")))
        << name;
  }
}

}  // namespace
}  // namespace mambascope
