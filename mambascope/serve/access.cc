#include "mambascope/serve/access.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <random>

namespace mambascope {
namespace {

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// The name in "name:port" or "[::1]:port".
std::string WithoutPort(const std::string& host) {
  const size_t bracket = host.find(']'), colon = host.find(':', bracket == host.npos ? 0 : bracket);
  return Lower(host.substr(0, colon));
}

bool IsAddress(std::string name) {
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  in6_addr address;
  return inet_pton(AF_INET, name.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, name.c_str(), &address) == 1;
}

}  // namespace

bool IsLoopback(const std::string& host) {
  return host == "localhost" || host == "::1" || (IsAddress(host) && host.starts_with("127."));
}

AccessRules RulesFor(const std::string& host, const std::string& machine,
                     const std::string& token) {
  AccessRules rules;
  rules.names.push_back(Lower(host.find(':') == host.npos ? host : fmt::format("[{}]", host)));
  if (IsLoopback(host)) return rules;
  if (!machine.empty()) rules.names.push_back(Lower(machine));
  rules.any_address = true;
  rules.token = token;
  return rules;
}

std::optional<std::string> RefusedOrigin(const AccessRules& rules, const RequestHeaders& headers) {
  const std::string name = WithoutPort(headers.host);
  const auto is_own = [&](const std::string& own) {
    return name == own || (rules.any_address && !IsAddress(own) && name.starts_with(own + "."));
  };
  if (!std::any_of(rules.names.begin(), rules.names.end(), is_own) &&
      !(rules.any_address && IsAddress(name)))
    return fmt::format("the request is refused: '{}' is not a name of this server", headers.host);
  // The page's own requests name the server itself, behind a proxy perhaps by https.
  if (!headers.origin.empty() && headers.origin != "http://" + headers.host &&
      headers.origin != "https://" + headers.host)
    return fmt::format("the request is refused: it comes from a page of another site, '{}'",
                       headers.origin);
  return std::nullopt;
}

bool IsToken(const AccessRules& rules, const std::string& token) {
  if (rules.token.size() != token.size()) return false;
  unsigned char difference = 0;
  for (size_t i = 0; i < token.size(); ++i)
    difference |= static_cast<unsigned char>(token[i] ^ rules.token[i]);
  return difference == 0;
}

std::string MakeToken() {
  std::random_device random;  // reads the system's source
  std::string token;
  for (int i = 0; i < 4; ++i) token += fmt::format("{:08x}", random());
  return token;
}

}  // namespace mambascope
