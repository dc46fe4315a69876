// The only exception type of mambascope. It is thrown for any problem that a user can cause, such
// as a missing file, a corrupt header or a layer out of range.
#pragma once

#include <stdexcept>
#include <string>

namespace mambascope {

// `problem` names the file, tensor, field or site and says what was expected. `hint` says what to
// try. Each is one line.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& problem, const std::string& hint = "")
      : std::runtime_error(hint.empty() ? problem : problem + "; " + hint) {}
};

}  // namespace mambascope
