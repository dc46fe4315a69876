// Which requests a server answers. Pages of other sites can make a browser send requests to it, by
// the address or by a name that resolves to it. Their Host or Origin header gives them away.
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
  // What requests for data must know; empty: nothing.
  std::string token = {};
};

// The rules for a server that listens at `host`. Beyond this machine, requests need `token`, and
// may name the machine as `machine` or with its domain.
AccessRules RulesFor(const std::string& host, const std::string& machine, const std::string& token);

// Whether only programs on this machine reach `host`.
bool IsLoopback(const std::string& host);

struct RequestHeaders {
  std::string host;    // Host, with or without a port
  std::string origin;  // Origin; empty: none
};

// Why a request is refused; none if it is not. Every request must pass.
std::optional<std::string> RefusedOrigin(const AccessRules& rules, const RequestHeaders& headers);

// Whether a request for data may have it. The comparison takes the same time for all tokens of one
// length.
bool IsToken(const AccessRules& rules, const std::string& token);

// 32 random hexadecimal digits from the system.
std::string MakeToken();

}  // namespace mambascope
