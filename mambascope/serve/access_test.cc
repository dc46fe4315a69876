#include "mambascope/serve/access.h"

#include <gtest/gtest.h>

namespace mambascope {
namespace {

bool Admits(const AccessRules& rules, const std::string& host, const std::string& origin = "") {
  return !RefusedOrigin(rules, {host, origin});
}

TEST(AccessTest, ALocalServerAnswersToLocalNamesAtAnyPort) {
  const AccessRules rules = RulesFor("127.0.0.1", "gpu7", "");
  for (const char* host : {"127.0.0.1:8080", "localhost:8080", "LOCALHOST", "[::1]:9000"})
    EXPECT_TRUE(Admits(rules, host)) << host;
  for (const char* host : {"evil.com", "localhost.evil.com:8080", "gpu7:8080", "10.0.0.3:8080", "",
                           "127.0.0.1.evil.com", "[::2]:8080"})
    EXPECT_FALSE(Admits(rules, host)) << host;
}

TEST(AccessTest, PagesOfOtherSitesAreRefused) {
  const AccessRules rules = RulesFor("127.0.0.1", "", "");
  EXPECT_TRUE(Admits(rules, "localhost:8080", "http://localhost:8080"));
  for (const char* origin : {"http://evil.com", "null", "http://localhost:8081",
                             "http://localhost:8080.evil.com", "file://"})
    EXPECT_FALSE(Admits(rules, "localhost:8080", origin)) << origin;
}

TEST(AccessTest, AServerBeyondThisMachineHasATokenAndGoesByTheMachinesName) {
  const AccessRules rules = RulesFor("0.0.0.0", "gpu7", "secret");
  for (const char* host :
       {"gpu7:8080", "gpu7.example.org", "10.0.0.3:8080", "[fe80::1]:8080", "localhost:8080"})
    EXPECT_TRUE(Admits(rules, host)) << host;
  EXPECT_FALSE(Admits(rules, "evil.com"));
  EXPECT_FALSE(Admits(rules, "gpu70:8080"));
  EXPECT_TRUE(IsToken(rules, "secret"));
  EXPECT_FALSE(IsToken(rules, ""));
  EXPECT_FALSE(IsToken(rules, "secreT"));
  EXPECT_TRUE(RulesFor("127.0.0.1", "gpu7", "secret").token.empty());
}

TEST(AccessTest, LoopbackAddressesStayOnThisMachine) {
  for (const char* host : {"127.0.0.1", "127.1.2.3", "localhost", "::1"})
    EXPECT_TRUE(IsLoopback(host)) << host;
  for (const char* host : {"0.0.0.0", "::", "10.0.0.3", "127.evil.com", "gpu7"})
    EXPECT_FALSE(IsLoopback(host)) << host;
}

TEST(AccessTest, TokensDiffer) {
  EXPECT_EQ(MakeToken().size(), 32u);
  EXPECT_NE(MakeToken(), MakeToken());
}

}  // namespace
}  // namespace mambascope
