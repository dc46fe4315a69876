// How options are declared: once, with all that parsing, --help, result files and the pages in
// docs/cli/ say of them.
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

// What an option decides.
enum class Decides {
  kResults,    // the numbers: it is echoed in result files, and part of a run's identity
  kSelection,  // which results are made: it is echoed, and a run with another value goes on with
               // the same results
  kConduct,    // how the run goes, and where its results go: neither
  kResolved,   // the numbers, through something found at run time: the command itself echoes that,
               // as a digest or a value
};

// Which values an option takes.
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
struct ByteSize {};  // "4G"; 1 or more
struct NotEmpty {};
using Bounds =
    std::variant<std::monostate, Integers, IntegersFrom, Numbers, OneOf, ByteSize, NotEmpty>;

// How a list is given: --text A --text B, or --layers 1,2.
enum class List { kRepeated, kCommas };

struct OptionInfo {
  std::string names;           // "--layer,--layers"
  std::string help;            // what it is, without a full stop
  std::string otherwise = {};  // what holds where it is not given; empty: its value before parsing
  Bounds bounds = {};
  List list = List::kRepeated;
  Decides decides = Decides::kResults;
  std::string key = {};  // in result files; empty: the last name, with _ for -
  std::vector<std::string> excludes = {}, needs = {};
  enum class Presence { kOptional, kRequired } presence = Presence::kOptional;
};

// Where an option's value is. An optional is empty, and a list too, where the option was not given.
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

// A wrong command line: the program ends with exit code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws UsageError where `wrong`.
inline void Refuse(bool wrong, const char* why) {
  if (wrong) throw UsageError(why);
}

}  // namespace mambascope
