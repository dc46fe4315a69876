#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "mambascope/cli/commands.h"
#include "mambascope/cli/interrupt.h"
#include "mambascope/cli/models.h"
#include "mambascope/cli/output.h"
#include "mambascope/cli/serve_request.h"
#include "mambascope/cli/serve_session.h"
#include "mambascope/cli/terminal.h"
#include "mambascope/data/fact.h"
#include "mambascope/error.h"
#include "mambascope/reports/report_page.h"
#include "mambascope/serve/server.h"

namespace mambascope {
namespace {

std::string MachineName() {
  std::array<char, 256> name = {};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

class CommandService : public Service {
 public:
  CommandService(ServedModels models, Json session, std::vector<std::string> results,
                 const std::string& out)
      : models_(std::move(models)),
        session_(std::move(session)),
        results_(std::move(results)),
        edits_(out) {}

  Json Session() const override { return session_; }
  Work Prepare(const std::vector<std::string>& words) override {
    return PrepareRequest(words, models_, edits_);
  }
  std::string EditFile(const std::string& id) const override { return edits_.EditFile(id); }
  Json SaveEdit(const std::string& id) override { return edits_.Save(id); }
  void DiscardEdit(const std::string& id) override { edits_.Discard(id); }
  std::optional<std::string> ReportPage() const override {
    if (results_.empty()) return std::nullopt;
    return HtmlPage(mambascope::ReportPage(ReadAllResults(results_)));
  }

 private:
  const ServedModels models_;
  const Json session_;
  const std::vector<std::string> results_;
  KeptEdits edits_;
};

class ServeCommand : public Command {
 public:
  void VisitOptions(OptionVisitor& option) override {
    option.Topic("Address");
    option(&port_, {.names = "--port",
                    .help = "Port of the page; 0 takes a free one",
                    .bounds = Integers{0, 65535},
                    .decides = Decides::kConduct});
    option(&host_, {.names = "--host",
                    .help = "Address at which the server listens. If other machines can reach it, "
                            "the page's address holds an access token",
                    .bounds = NotEmpty(),
                    .decides = Decides::kConduct});
    option.Topic("Files");
    option(&results_, {.names = "--results",
                       .help = "Folder of results for the page's report; repeatable",
                       .otherwise = "no report",
                       .decides = Decides::kConduct});
    option(&relations_, {.names = "--relations",
                         .help = "RELATIONS file or folder with the page's example facts; "
                                 "repeatable",
                         .otherwise = "the bundled relations",
                         .decides = Decides::kConduct});
    option(&out_, {.names = "--out",
                   .help = "Folder for saved edits",
                   .bounds = NotEmpty(),
                   .decides = Decides::kConduct});
    option.Topic("Limits");
    VisitMemoryOption(memory_, "a computation", option);
    option(&max_tokens_, {.names = "--max-tokens",
                          .help = "Maximum number of tokens of a prompt",
                          .bounds = Integers{1, 1'000'000},
                          .decides = Decides::kConduct});
  }
  void VisitModel(OptionVisitor& option) override {
    option.Topic("Model");
    option(&models_, {.names = "--model",
                      .help = "Checkpoint folder, or a bundled model: demo, demo-mamba2, "
                              "demo-hybrid or demo-neox; repeatable. All models stay in memory. "
                              "With several, --tokenizer applies to those that have none of "
                              "their own",
                      .decides = Decides::kConduct});
  }
  void Check() const override { CheckModels(models_, {}); }

  void Run() override {
    CheckOut();
    if (!results_.empty()) (void)ReadAllResults(results_);  // throws where they cannot be read
    const std::vector<Fact> facts = Facts();
    ServedModels models = Load();
    Json session = SessionJson(models, facts);
    session["results"] = !results_.empty();
    CommandService service(std::move(models), std::move(session), results_, out_);
    const std::string token = IsLoopback(host_) ? "" : MakeToken();
    Server server({host_, port_, RulesFor(host_, MachineName(), token)}, service);
    StopInstead([&] { server.Stop(); });
    const std::string url = Url(server.port(), token);
    if (!token.empty())
      Warn(common,
           fmt::format("the server listens at {}. Whoever has the page's address can use the "
                       "models. The connection is not encrypted",
                       host_));
    // Without its address a server is of no use, so --quiet prints it, too.
    if (common.json) PrintJson({{"url", url}});
    else PrintText(fmt::format("{}\n{}", url, common.quiet ? "" : "Ctrl-C ends the server.\n"));
    (void)OutputFault();  // flushes; main says it when the server ends
    server.Listen();
  }

 private:
  // Edits are saved late, so a folder that cannot be made is found now.
  void CheckOut() const {
    std::filesystem::path place = std::filesystem::absolute(out_);
    while (!std::filesystem::exists(place)) place = place.parent_path();
    if (!std::filesystem::is_directory(place) || access(place.c_str(), W_OK) != 0)
      throw Error(fmt::format("--out {}: nothing can be written in {}", out_, place.string()),
                  "name another folder");
  }

  std::vector<Fact> Facts() const {
    std::vector<std::filesystem::path> files(relations_.begin(), relations_.end());
    if (files.empty()) {
      const auto bundled = FindBundled(kBundledRelations);
      if (!bundled) return {};
      files = {*bundled};
    }
    std::vector<Relation> relations = ReadRelations(files);
    // The relation of the first fact comes first, with that fact's template.
    for (auto relation = relations.begin(); relation != relations.end(); ++relation) {
      auto& templates = relation->prompt_templates;
      const auto first = std::find(templates.begin(), templates.end(), kFirstPattern);
      if (first == templates.end()) continue;
      std::rotate(templates.begin(), first, first + 1);
      std::rotate(relations.begin(), relation, relation + 1);
      break;
    }
    return ToFacts(relations);
  }

  ServedModels Load() const {
    ServedModels served{.models = {}, .max_tokens = max_tokens_, .memory = memory_};
    for (LoadedModel& one : LoadModels(common, models_))
      served.models.push_back(
          {one.name,
           ModelOptionsOf(one.common),
           {one.model(), std::move(one.tokenizer), ModelFingerprint(one.common)}});
    return served;
  }

  std::string Url(int port, const std::string& token) const {
    std::string host = host_;
    if (host == "0.0.0.0" || host == "::") host = MachineName();
    if (host.find(':') != std::string::npos) host = fmt::format("[{}]", host);
    return fmt::format("http://{}:{}/{}", host, port, token.empty() ? "" : "?token=" + token);
  }

  std::vector<std::string> models_ = {"demo"}, results_, relations_;
  std::string host_ = "127.0.0.1", out_ = "out/serve";
  int port_ = 8080;
  int64_t max_tokens_ = 256;
  std::optional<uint64_t> memory_;
};

}  // namespace

std::unique_ptr<Command> MakeServe() { return std::make_unique<ServeCommand>(); }

}  // namespace mambascope
