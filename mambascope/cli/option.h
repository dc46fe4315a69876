// Options are declared once. Parsing, --help, result files and the pages in docs/cli/ all use this
// declaration.
//
//   void TraceArguments::Visit(OptionVisitor& option) {
//     option.Topic("States restored");
//     option(&site, {.names = "--site", .help = "States to restore"});
//   }
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace mambascope {

// The part of a run that an option decides.
enum class Decides {
  // The numbers. Result files contain the option, and it is part of the run's identity.
  kResults,
  // Which results are made. Result files contain the option. A run with another value continues
  // with the same results.
  kSelection,
  // How the run proceeds, and where its results go. Result files do not contain the option.
  kConduct,
  // The numbers, but through a value that is known only at run time. The command itself writes this
  // value, or a digest of it, to result files.
  kResolved,
};

// The values that an option accepts.
struct Integers {
  int64_t least, most;
};
struct IntegersFrom {
  uint64_t least;
};
struct Numbers {
  double least, most;
};
struct OneOf {
  std::vector<std::string> names;
};
struct ByteSize {};  // a number of bytes, such as "4G"; at least 1
struct NotEmpty {};
using Bounds =
    std::variant<std::monostate, Integers, IntegersFrom, Numbers, OneOf, ByteSize, NotEmpty>;

// How a list is written: --text A --text B (kRepeated), or --layers 1,2 (kCommas).
enum class List { kRepeated, kCommas };

struct OptionInfo {
  std::string names;           // "--layer,--layers"
  std::string help;            // description without a full stop
  std::string otherwise = {};  // description of the default; empty: the value before parsing
  Bounds bounds = {};
  List list = List::kRepeated;
  Decides decides = Decides::kResults;
  std::string key = {};  // key in result files; empty: the last name, with _ for -
  std::vector<std::string> excludes = {}, needs = {};
  enum class Presence { kOptional, kRequired } presence = Presence::kOptional;
};

// Points to the variable that receives an option's value. If the option is not given, an optional
// or a list stays empty.
using OptionValue =
    std::variant<bool*, int*, int64_t*, double*, std::string*, std::optional<std::string>*,
                 std::optional<int>*, std::optional<int64_t>*, std::optional<uint64_t>*,
                 std::optional<double>*, std::vector<std::string>*, std::vector<int64_t>*,
                 std::vector<double>*>;

class OptionVisitor {
 public:
  virtual ~OptionVisitor() = default;
  virtual void operator()(OptionValue value, const OptionInfo& info) = 0;
  // Options that are visited after this call belong to `topic`, a heading of --help and docs/cli/.
  void Topic(std::string topic) { topic_ = std::move(topic); }

 protected:
  const std::string& topic() const { return topic_; }

 private:
  std::string topic_;
};

// A wrong command line. The program ends with exit code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws UsageError with the text `why` if `wrong`.
inline void Refuse(bool wrong, const char* why) {
  if (wrong) throw UsageError(why);
}

}  // namespace mambascope
