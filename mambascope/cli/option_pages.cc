#include "mambascope/cli/option_pages.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "mambascope/cli/commands.h"
#include "mambascope/cli/describe.h"
#include "mambascope/error.h"

namespace mambascope {
namespace {

constexpr const char* kBegin = "<!-- options: written by ./dev docs -->\n";
constexpr const char* kEnd = "<!-- end -->\n";
constexpr const char* kHead = "| option | what it is | values | default |\n|---|---|---|---|\n";

std::string BoundsText(const Bounds& bounds) {
  struct Text {
    std::string operator()(std::monostate) const { return ""; }
    std::string operator()(const NotEmpty&) const { return ""; }
    std::string operator()(const Integers& b) const {
      return fmt::format("{} to {}", b.least, b.most);
    }
    std::string operator()(const IntegersFrom& b) const {
      return fmt::format("{} or more", b.least);
    }
    std::string operator()(const Numbers& b) const {
      return fmt::format("{} to {}", b.least, b.most);
    }
    std::string operator()(const OneOf& b) const {
      return fmt::format("{}", fmt::join(b.names, ", "));
    }
    std::string operator()(const ByteSize&) const { return "bytes, as 4G"; }
  };
  return std::visit(Text(), bounds);
}

// What holds where the option is not given; empty: nothing.
std::string DefaultText(const OptionValue& value, const OptionInfo& info) {
  if (info.presence == OptionInfo::Presence::kRequired) return "required";
  if (!info.otherwise.empty() || std::holds_alternative<bool*>(value)) return info.otherwise;
  const Json json = OptionValueJson(value);
  if (json.is_null() || json == Json::array()) return "";
  if (const auto* const* texts = std::get_if<std::vector<std::string>*>(&value))
    return fmt::format("{}", fmt::join(**texts, ","));
  return json.is_string() ? json.get<std::string>() : DumpJson(json);
}

std::string Escaped(std::string text) {
  for (size_t at = 0; (at = text.find('|', at)) != text.npos; at += 2) text.replace(at, 1, "\\|");
  return text;
}

// A table per topic, a row per option.
class TabulateOptions : public OptionVisitor {
 public:
  void operator()(OptionValue value, const OptionInfo& info) override {
    auto table = std::find_if(tables_.begin(), tables_.end(),
                              [&](const Table& t) { return t.topic == topic(); });
    if (table == tables_.end()) table = tables_.insert(tables_.end(), {topic(), ""});
    table->rows +=
        fmt::format("| `{}` | {} | {} | {} |\n", fmt::join(SplitAt(info.names, ','), "`, `"),
                    Escaped(info.help), BoundsText(info.bounds), Escaped(DefaultText(value, info)));
  }

  std::string Text() const {
    std::string text;
    for (const Table& table : tables_)
      text += fmt::format("### {}\n\n{}{}\n", table.topic, kHead, table.rows);
    return text;
  }

 private:
  struct Table {
    std::string topic, rows;
  };
  std::vector<Table> tables_;
};

// Its own, and --model where it is not that of most commands.
void VisitOwnOptions(Command& command, OptionVisitor& option) {
  TabulateOptions own, of_most;
  command.VisitModel(own);
  VisitModelOption(command.common, of_most);
  command.VisitOptions(option);
  if (own.Text() != of_most.Text()) command.VisitModel(option);
}

void VisitOptionsOfMost(CommonArguments& arguments, OptionVisitor& option) {
  VisitModelOption(arguments, option);
  VisitCompatOption(arguments, option);
  VisitCommonOptions(arguments, option);
}

// What an option's value is made of.
template <typename T>
struct Element {
  using Type = T;
};
template <typename T>
struct Element<std::optional<T>> {
  using Type = T;
};
template <typename T>
struct Element<std::vector<T>> {
  using Type = T;
};

std::string TypeName(const OptionValue& value, const Bounds& bounds) {
  if (std::holds_alternative<ByteSize>(bounds)) return "bytes";
  return std::visit(
      [](const auto* at) -> std::string {
        using Type = typename Element<std::remove_cvref_t<decltype(*at)>>::Type;
        if (std::is_same_v<Type, bool>) return "flag";
        if (std::is_same_v<Type, std::string>) return "text";
        return std::is_integral_v<Type> ? "integer" : "number";
      },
      value);
}

struct AddBounds {
  Json& json;
  void operator()(std::monostate) const {}
  void operator()(const NotEmpty&) const {}
  void operator()(const ByteSize&) const { json["least"] = 1; }
  void operator()(const Integers& b) const { json.update({{"least", b.least}, {"most", b.most}}); }
  void operator()(const IntegersFrom& b) const { json["least"] = b.least; }
  void operator()(const Numbers& b) const { json.update({{"least", b.least}, {"most", b.most}}); }
  void operator()(const OneOf& b) const { json["one_of"] = b.names; }
};

// An object per option.
class CollectOptions : public OptionVisitor {
 public:
  void operator()(OptionValue value, const OptionInfo& info) override {
    Json json = {{"names", SplitAt(info.names, ',')},
                 {"topic", topic()},
                 {"help", info.help},
                 {"type", TypeName(value, info.bounds)},
                 {"default", OptionValueJson(value)},
                 {"otherwise", info.otherwise.empty() ? Json() : Json(info.otherwise)},
                 {"required", info.presence == OptionInfo::Presence::kRequired}};
    if (json["default"].is_array())
      json["list"] = info.list == List::kCommas ? "commas" : "repeated";
    std::visit(AddBounds{json}, info.bounds);
    if (!info.excludes.empty()) json["excludes"] = info.excludes;
    if (!info.needs.empty()) json["needs"] = info.needs;
    options.push_back(std::move(json));
  }

  Json options = Json::array();
};

}  // namespace

std::vector<OptionPage> OptionPages() {
  CommonArguments arguments;
  TabulateOptions common;
  VisitOptionsOfMost(arguments, common);
  std::vector<OptionPage> pages = {{"cli.md", common.Text()}};
  for (const CommandEntry& entry : Commands()) {
    if (!entry.has_page) continue;
    TabulateOptions own;
    VisitOwnOptions(*entry.make(), own);
    pages.push_back({fmt::format("cli/{}.md", entry.name),
                     own.Text() + "[Options of every command](../cli.md#options-of-every-command) "
                                  "apply, too.\n\n"});
  }
  return pages;
}

std::string ReplaceTables(const std::string& text, const OptionPage& page) {
  const size_t begin = text.find(kBegin), end = text.find(kEnd, std::min(begin, text.size()));
  if (end == text.npos)
    throw Error(fmt::format("docs/{}: has no place for the tables of options", page.file),
                fmt::format("put these two lines into it:\n{}{}", kBegin, kEnd));
  return fmt::format("{}{}\n{}{}", text.substr(0, begin), kBegin, page.tables, text.substr(end));
}

Json OptionsJson() {
  CommonArguments arguments;
  CollectOptions common;
  VisitOptionsOfMost(arguments, common);
  Json json = {{"common", common.options}, {"commands", Json::array()}};
  for (const CommandEntry& entry : Commands()) {
    CollectOptions own;
    VisitOwnOptions(*entry.make(), own);
    json["commands"].push_back({{"name", entry.name},
                                {"does", entry.does},
                                {"example", entry.example},
                                {"options", own.options}});
  }
  return json;
}

}  // namespace mambascope
