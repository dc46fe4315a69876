#include "mambascope/cli/parser.h"

#include <ATen/Context.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>

#include "mambascope/cli/commands.h"
#include "mambascope/cli/common.h"
#include "mambascope/cli/devices.h"
#include "mambascope/cli/suggestion.h"
#include "mambascope/cli/terminal.h"
#include "mambascope/error.h"
#include "mambascope/figures/label.h"

namespace mambascope {
namespace {

// Makes a check that says what it expected of a value that `accepts` refuses. `type` is the value's
// type in --help.
template <typename Accepts>
CLI::Validator Expect(const std::string& expected, const std::string& type,
                      const Accepts& accepts) {
  const auto check = [expected, accepts](const std::string& text) {
    return accepts(text) ? std::string() : fmt::format("expected {}, not '{}'", expected, text);
  };
  return CLI::Validator(check, type);
}

// Returns whether `text` is a number of type T from `least` to `most`.
template <typename T>
bool IsWithin(const std::string& text, T least, T most) {
  T number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && rest == end && number >= least && number <= most;
}

CLI::Validator WholeNumber(const std::string& expected, int64_t least, int64_t most) {
  return Expect(expected, "INT",
                [=](const std::string& text) { return IsWithin(text, least, most); });
}

// Of 62 bits, which every integer type here holds.
CLI::Validator WholeNumberFrom(uint64_t least) {
  return WholeNumber(fmt::format("a whole number from {}", least), static_cast<int64_t>(least),
                     (int64_t{1} << 62) - 1);
}

// Turns "4G" into its number of bytes.
CLI::Validator SizeInBytes() {
  const auto convert = [](std::string& text) {
    const std::string given = text;
    try {
      if (CLI::AsSizeValue(false)(text).empty()) return std::string();
    } catch (const CLI::ValidationError&) {
    }
    return fmt::format("expected a size such as 4G, not '{}'", given);
  };
  return CLI::Validator(convert, "SIZE");
}

struct SetBounds {
  CLI::Option& option;
  void operator()(std::monostate) const {}
  void operator()(const Integers& b) const {
    option.check(
        WholeNumber(fmt::format("a whole number from {} to {}", b.least, b.most), b.least, b.most));
  }
  void operator()(const IntegersFrom& b) const { option.check(WholeNumberFrom(b.least)); }
  void operator()(const Numbers& b) const {
    option.check(Expect(fmt::format("a number from {} to {}", b.least, b.most), "FLOAT",
                        [b](const std::string& text) { return IsWithin(text, b.least, b.most); }));
  }
  void operator()(const OneOf& b) const {
    option.check(Expect(fmt::format("{}", fmt::join(b.names, " or ")),
                        fmt::format("{{{}}}", fmt::join(b.names, ",")),
                        [names = b.names](const std::string& text) {
                          return std::find(names.begin(), names.end(), text) != names.end();
                        }));
  }
  void operator()(const ByteSize&) const {
    option.transform(SizeInBytes())->check(WholeNumberFrom(1));
  }
  void operator()(const NotEmpty&) const {
    option.check(
        [](const std::string& text) {
          return std::string(text.empty() ? "must not be empty" : "");
        },
        "");
  }
};

template <typename T>
constexpr bool kIsList = false;
template <typename T>
constexpr bool kIsList<std::vector<T>> = true;
template <typename T>
constexpr bool kHasDefault = !kIsList<T>;
template <typename T>
constexpr bool kHasDefault<std::optional<T>> = false;

// Adds options to a command.
class AddToParser : public OptionVisitor {
 public:
  explicit AddToParser(CLI::App& app) : app_(app) {}
  void operator()(OptionValue value, const OptionInfo& info) override {
    const std::string help = info.otherwise.empty()
                                 ? info.help
                                 : fmt::format("{} (default: {})", info.help, info.otherwise);
    CLI::Option& option = *std::visit([&](auto* at) { return Add(info, help, *at); }, value);
    std::visit(SetBounds{option}, info.bounds);
    option.group(topic());
    if (info.presence == OptionInfo::Presence::kRequired) option.required();
    relations_.emplace_back(&option, info);
  }
  // The command and its given options that result files depend on, as words of a command line.
  std::vector<std::string> Given() const {
    std::vector<std::string> words = {app_.get_name()};
    for (const auto& [option, info] : relations_) {
      if (option->count() == 0 || info.decides == Decides::kConduct) continue;
      const std::string name = SplitAt(info.names, ',')[0];
      std::vector<std::string> values = option->results();
      if (option->get_expected_max() == 0) {  // a flag
        words.push_back(name);
        continue;
      }
      if (info.list == List::kCommas) values = {fmt::format("{}", fmt::join(values, ","))};
      for (const std::string& value : values) {
        if (value.starts_with('-')) words.push_back(name + "=" + value);  // else it is an option
        else words.insert(words.end(), {name, value});
      }
    }
    return words;
  }
  // Once all options are there.
  void Relate() const {
    for (const auto& [option, info] : relations_) {
      for (const std::string& other : info.excludes) option->excludes(app_.get_option(other));
      for (const std::string& other : info.needs) option->needs(app_.get_option(other));
    }
  }

 private:
  template <typename T>
  CLI::Option* Add(const OptionInfo& info, const std::string& help, T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      return app_.add_flag(info.names, value, help);
    } else {
      CLI::Option* option = app_.add_option(info.names, value, help);
      if constexpr (kIsList<T>) {
        if (info.list == List::kCommas) option->delimiter(',');
        if constexpr (std::is_same_v<T, std::vector<int64_t>>)
          option->check(WholeNumber("a whole number", INT64_MIN, INT64_MAX));
        if (!value.empty() && info.otherwise.empty()) option->capture_default_str();
      } else if constexpr (kHasDefault<T>) {
        if (info.otherwise.empty()) option->capture_default_str();
      }
      return option;
    }
  }

  CLI::App& app_;
  std::vector<std::pair<CLI::Option*, OptionInfo>> relations_;
};

// Plain help: short names of values, lines of at most 100 characters, and one empty line between
// groups of options, where CLI11 leaves two.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option_opts(const CLI::Option* option) const override {
    if (option->get_expected_max() == 0) return "";  // a flag
    std::string text = " " + ValueName(option->get_type_name());
    if (option->get_expected_max() > 1) text += " ...";
    if (option->get_required()) text += " (required)";
    return text;
  }
  std::string make_option_desc(const CLI::Option* option) const override {
    std::string text = option->get_description();
    if (!option->get_default_str().empty())
      text += fmt::format(" (default: {})", option->get_default_str());
    return fmt::format("{}", fmt::join(WrapText(text, kHelpWidth), "\n"));
  }
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override {
    return CLI::detail::find_and_replace(Formatter::make_help(app, std::move(name), mode), "\n\n\n",
                                         "\n\n");
  }

 private:
  static constexpr int kHelpWidth = 70;  // beside 30 columns of names

  // `type` is CLI11's: a type, and what its checks accept, as "TEXT:{cut,cut-conv}".
  static std::string ValueName(const std::string& type) {
    const size_t set = type.find('{');
    if (set != type.npos) {
      std::string names = type.substr(set + 1, type.find('}', set) - set - 1);
      std::replace(names.begin(), names.end(), ',', '|');
      return names;
    }
    if (type.find("SIZE") != type.npos) return "SIZE";
    return type.starts_with("TEXT") ? "TEXT" : "N";
  }
};

// --devices implies --device cuda.
void TakeGpus(CLI::App& app, CommonArguments& common) {
  CLI::Option& device = *app.get_option("--device");
  Refuse(device.count() > 0 && common.device == "cpu",
         "--devices chooses GPUs, so it excludes --device cpu");
  if (device.count() == 0) device.add_result("cuda");
  common.device = "cuda";
}

// `then` receives the command, once its options are read and checked.
void AddCommand(
    CLI::App& app, const CommandEntry& entry, Command& command,
    void (*then)(Command&) = [](Command& c) {
      if (c.common.host != nullptr) return c.Run();  // its process has a model
      if (const auto tf32 = c.common.GpuTf32()) at::globalContext().setAllowTF32CuBLAS(*tf32);
      const std::future<void> started = StartGpus(c.common.Devices());
      c.Run();
    }) {
  CLI::App& own = *app.add_subcommand(entry.name, entry.does);
  own.formatter(std::make_shared<HelpFormatter>());
  own.footer("Example:\n  " + entry.example);
  const auto add = std::make_shared<AddToParser>(own);
  VisitAllOptions(command, *add);
  add->Relate();
  own.set_help_flag("-h,--help", "Print this help message and exit")->group("Run");  // the last one
  own.callback([&own, &command, add, then] {
    try {
      if (!command.common.devices.empty()) TakeGpus(own, command.common);
      command.common.arguments = add->Given();
      Refuse(command.common.check && !command.HasCheck(),
             "--check needs a sweep, whose cells can be computed again. This run has none");
      Refuse(command.common.explain && !command.HasPlan(),
             "--explain needs work with a plan, such as a sweep. This run has none");
      Refuse(
          !command.common.shard_text.empty() && !command.HasShard(),
          "--shard needs facts, records or relations of files, each computed alone. This run has "
          "none");
      command.common.shard = AskedShard(command.common);
      command.Check();
      then(command);
    } catch (const UsageError& e) {
      throw CLI::ValidationError(e.what());
    }
  });
}

std::vector<std::string> OptionNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

[[noreturn]] void RefuseName(const std::string& what, const std::string& name,
                             const std::vector<std::string>& known, const std::string& help) {
  const std::optional<std::string> nearest = NearestName(name, known);
  throw CLI::ValidationError(fmt::format(
      "there is no {} {}; {}", what, name,
      nearest ? fmt::format("did you mean {}?", *nearest) : fmt::format("{} lists them", help)));
}

constexpr std::array<std::string_view, 3> kWithoutCommand = {"-h", "--help", "--version"};

// Throws for the first command or option that does not exist: the parser names them all, in no
// useful order.
void CheckNames(const CLI::App& app, const std::vector<std::string>& words) {
  if (words.empty()) return;
  const std::string& command = words[0];
  if (command.starts_with('-')) {
    if (std::find(kWithoutCommand.begin(), kWithoutCommand.end(), command) != kWithoutCommand.end())
      return;
    throw CLI::ValidationError(
        fmt::format("{}: the command comes first, as in mambascope COMMAND {}", command, command));
  }
  std::vector<std::string> commands;
  for (const CLI::App* own : app.get_subcommands({})) commands.push_back(own->get_name());
  if (std::find(commands.begin(), commands.end(), command) == commands.end())
    RefuseName("command", command, commands, "mambascope --help");
  const std::vector<std::string> known = OptionNames(*app.get_subcommand(command));
  const auto end = std::find(words.begin(), words.end(), "--");
  for (auto word = words.begin() + 1; word < end; ++word) {
    std::string name, value;
    if (!CLI::detail::split_long(*word, name, value)) continue;  // a value, as the parser has it
    name = "--" + name;
    if (std::find(known.begin(), known.end(), name) == known.end())
      RefuseName("option", name, known, fmt::format("mambascope {} --help", command));
  }
}

// Says plainly how many values an option takes. `what` is CLI11's text, which begins with the
// option's name.
std::string MismatchText(const std::string& what) {
  const std::string name = what.substr(0, what.find(':'));
  if (what.find("At Most") != what.npos) return name + " is given more than once";
  if (what.find(" missing") != what.npos) return name + " needs a value";
  return what;
}

// Prints help and versions on stdout, and wrong command lines on stderr. Returns the exit status.
int Exit(const CLI::App& app, const CLI::Error& error) {
  std::ostringstream out, err;
  const int status = app.exit(error, out, err);
  PrintText(out.str());
  if (!err.str().empty()) PrintLine(Shortened(err.str()));
  return status == 0 ? 0 : 2;
}

const CommandEntry& FindCommand(const std::string& name) {
  const auto entry = std::find_if(Commands().begin(), Commands().end(),
                                  [&](const CommandEntry& e) { return e.name == name; });
  if (entry == Commands().end()) throw Error("there is no command " + name);
  return *entry;
}

// `words` are a command's name and options, and `app` has that command.
void ParseWords(CLI::App& app, std::vector<std::string> words) {
  try {
    CheckNames(app, words);
    std::reverse(words.begin(), words.end());  // as CLI11 takes them
    app.parse(words);
  } catch (const CLI::ArgumentMismatch& e) {
    throw Error(MismatchText(e.what()));
  } catch (const CLI::ParseError& e) {
    throw Error(e.what());
  }
}

}  // namespace

void RunHosted(std::vector<std::string> words, Host& host) {
  const CommandEntry& entry = FindCommand(words.at(0));
  CLI::App app;
  const std::unique_ptr<Command> command = entry.make();
  command->common.host = &host;
  AddCommand(app, entry, *command);
  ParseWords(app, std::move(words));
}

std::unique_ptr<Command> ReadCommand(std::vector<std::string> words) {
  const CommandEntry& entry = FindCommand(words.at(0));
  CLI::App app;
  std::unique_ptr<Command> command = entry.make();
  AddCommand(app, entry, *command, [](Command&) {});
  ParseWords(app, std::move(words));
  return command;
}

int RunCommandLine(int argc, char** argv) {
  CLI::App app(
      "mambascope shows where a language model keeps a fact, how the fact reaches the answer, and "
      "whether it can be rewritten.");
  app.set_version_flag("--version", std::string(kVersion) + " (" + kGitCommit + ")");
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::simple);
  std::vector<std::unique_ptr<Command>> commands;
  for (const CommandEntry& entry : Commands()) {
    commands.push_back(entry.make());
    AddCommand(app, entry, *commands.back());
  }
  try {
    CheckNames(app, {argv + 1, argv + argc});
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::ArgumentMismatch& e) {
    return Exit(app, CLI::ValidationError(MismatchText(e.what())));
  } catch (const CLI::ParseError& e) {
    return Exit(app, e);
  }
}

}  // namespace mambascope
