// Decides which requests the server answers, so that pages of other sites cannot use it. They can
// make a browser send requests to the server's address, or to a name that resolves to it. The
// headers Host and Origin show where a request comes from.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace mambascope {

struct AccessRules {
  // Names and addresses that the Host header may have.
  std::vector<std::string> names = {"localhost", "127.0.0.1", "[::1]"};
  // Whether the Host header may have any IP address, because the server listens at all of them.
  bool any_address = false;
  // Access token that a request for data must carry. Empty: it needs none.
  std::string token = {};
};

// Returns the rules for a server that listens at `host`. If other machines reach it, requests need
// `token`. They may name this machine as `machine`, with or without a domain.
AccessRules RulesFor(const std::string& host, const std::string& machine, const std::string& token);

// Whether only programs on this machine reach `host`.
bool IsLoopback(const std::string& host);

struct RequestHeaders {
  std::string host;    // Host, with or without a port
  std::string origin;  // Origin; empty: none
};

// Returns why a request is refused. None: it may be answered. Every request must pass.
std::optional<std::string> RefusedOrigin(const AccessRules& rules, const RequestHeaders& headers);

// Whether `token` is the access token. The comparison takes the same time for all texts of its
// length.
bool IsToken(const AccessRules& rules, const std::string& token);

// 32 random hexadecimal digits from the system.
std::string MakeToken();

}  // namespace mambascope
