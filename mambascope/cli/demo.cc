// The tour: each question that mambascope answers, asked of one model by the command that answers
// it. It ends with a report of all results.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "mambascope/checkpoint/file.h"
#include "mambascope/cli/commands.h"
#include "mambascope/cli/output.h"
#include "mambascope/cli/parser.h"
#include "mambascope/cli/terminal.h"
#include "mambascope/error.h"
#include "mambascope/experiments/tracing/trace.h"
#include "mambascope/reports/knockout_words.h"
#include "mambascope/reports/result_files.h"
#include "mambascope/reports/result_page.h"

namespace mambascope {
namespace {

// A command of the tour, and what it answers.
struct Step {
  std::string question, answer;
  std::vector<std::string> words;  // the command and its options
};

class DemoCommand : public Command {
 public:
  void VisitOptions(OptionVisitor& option) override {
    option.Topic("Facts");
    option(&prompt_,
           {.names = "--prompt",
            .help = "Prompt of the fact that is traced and edited, with {} for the subject",
            .decides = Decides::kConduct});
    option(&subject_,
           {.names = "--subject", .help = "Subject of this fact", .decides = Decides::kConduct});
    option(&other_, {.names = "--corrupt-subject",
                     .help = "Another subject, which has another answer",
                     .decides = Decides::kConduct});
    option(&target_,
           {.names = "--target", .help = "New object of the edit", .decides = Decides::kConduct});
    option(&relations_, {.names = "--relations",
                         .help = "RELATIONS file or folder: the facts that are averaged over",
                         .otherwise = "the bundled relations",
                         .decides = Decides::kConduct});
    option(&relation_, {.names = "--relation",
                        .help = "RELATIONS file of the relation that is measured for linearity",
                        .otherwise = "the bundled animal_class",
                        .decides = Decides::kConduct});
    option(&limit_, {.names = "--limit",
                     .help = "Number of facts to average over",
                     .bounds = Integers{2, 1'000'000},
                     .decides = Decides::kConduct});
    option.Topic("Output");
    option(&out_, {.names = "--out",
                   .help = "Folder for the results and the report",
                   .otherwise = "out/demo-MODEL",
                   .bounds = NotEmpty(),
                   .decides = Decides::kConduct});
    VisitForceOption(force_, option);
  }

  void Check() const override {
    Refuse(common.json, "--json: the tour prints no document; each of its commands has one");
  }

  void Run() override {
    const std::string out = out_.value_or(DefaultFolder("demo", {common.model}));
    PrepareFolder(out);
    std::vector<Step> steps = Steps(LoadModel(common), out);
    for (size_t i = 0; i < steps.size(); ++i) {
      if (steps[i].words[0] == "attention")
        steps[i].words.push_back(StrongestCut(out + "/knockout/knockout.json"));
      Say(fmt::format("\n{} of {}. {}\n{}\n", i + 1, steps.size(), steps[i].question,
                      steps[i].answer));
      RunStep(steps[i]);
    }
    Say(fmt::format("\nThe report of all results: {}/report.html\n", out));
  }

 private:
  static std::string Bundled(const std::string& name) {
    const std::optional<std::filesystem::path> path = FindBundled(name);
    if (path) {
      const std::string near = std::filesystem::proximate(*path).string();
      return near.starts_with("..") ? path->string() : near;
    }
    throw Error("the bundled " + name + " is missing", "give --relations and --relation");
  }

  // The last layer of the window whose cut cost most in the knockout of the tour.
  static std::string StrongestCut(const std::string& file) {
    const ResultFile read = ReadResults(file).at(0);
    const KnockoutResult& result = std::get<std::vector<KnockoutResult>>(read.result).at(0);
    const std::optional<LargestCut> cut = FindLargestCut(result);
    if (!cut || cut->loss <= 0) return "0";
    const WindowPlaces& places = result.lengths.at(result.flows[cut->flow].windows);
    return std::to_string(places.x.at(cut->window) + places.window - 1);
  }

  std::vector<Step> Steps(const Model& model, const std::string& out) const {
    const auto folder = [&](const char* name) { return fmt::format("{}/{}", out, name); };
    std::string question = prompt_;
    if (const size_t hole = question.find("{}"); hole != std::string::npos)
      question.replace(hole, 2, subject_);
    const std::string limit = std::to_string(limit_),
                      relations = relations_ ? *relations_ : Bundled(kBundledRelations),
                      relation =
                          relation_ ? *relation_ : Bundled("data/demo/relations/animal_class.json");
    const int late = static_cast<int>(std::lround(0.7 * model.layers()));
    const std::string layers = fmt::format("{}-{}", model.layers() / 2, late);
    return {
        {"What does the model know?",
         "The most probable next tokens after a prompt about a fact.",
         {"predict", "--prompt", question}},
        {"Where is this fact?",
         "The prompt is asked about another subject, and one state is restored at a time. Dark "
         "cells bring the answer back (causal tracing).",
         {"trace", "--prompt", prompt_, "--subject", subject_, "--corrupt-subject", other_,
          "--site", "resid", "--out", folder("trace-one")}},
        {"Where are facts on average, and in which part of a layer?",
         fmt::format("Causal tracing is averaged over {} facts for each part of a layer.", limit_),
         {"trace", "--relations", relations, "--limit", limit, "--site",
          fmt::format("{}", fmt::join(PublishedSites(model), ",")), "--out", folder("trace")}},
        {"Through which part of the mixer do facts reach the answer?",
         "The residual stream is restored, and one part at a time stays corrupted. The effect that "
         "is missing flows through that part (path-specific effects).",
         {"paths", "--relations", relations, "--limit", limit, "--at", "prompt_last", "--out",
          folder("paths")}},
        {"Which tokens must the last token read, and in which layers?",
         "In a few layers at a time, the last token cannot read other tokens (knockout).",
         {"knockout", "--relations", relations, "--limit", limit, "--mode", "cut-conv", "--out",
          folder("knockout")}},
        {"What does the last token read?",
         "Hidden attention shows which token reads which, in the last layer of the most harmful "
         "cut.",
         {"attention", "--prompt", question, "--out", folder("attention"), "--layer"}},
        {"Can the fact be rewritten?",
         "ROME changes one weight matrix so that the answer changes. The table shows what "
         "it says before and after.",
         {"edit", "--prompt", prompt_, "--subject", subject_, "--target", target_, "--out",
          folder("edit")}},
        {"Is a relation a linear map?",
         "Layers above one layer are replaced by an affine map, made from five facts (linear "
         "relational embedding).",
         {"lre", "--relations", relation, "--limit", "20", "--trials", "1", "--layers", layers,
          "--out", folder("lre")}},
        {"All of it on one page",
         "Figures, what they show, and every traced fact.",
         {"report", out, "--out", out}}};
  }

  void Say(const std::string& text) const {
    if (common.quiet) return;
    PrintText(text);
    (void)OutputFault();  // flushes; main says it at the end
  }

  void RunStep(const Step& step) {
    std::vector<std::string> words = step.words;
    for (const std::string& word : ModelWords(step.words[0])) words.push_back(word);
    Say(fmt::format("$ {}\n\n", ShellLine(words)));
    words.insert(words.begin(), "mambascope");
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    if (RunCommandLine(static_cast<int>(arguments.size()), arguments.data()) != 0)
      throw UsageError("a step of the tour failed: see above");
  }

  // The options of this command that each step has, too.
  std::vector<std::string> ModelWords(const std::string& step) const {
    std::vector<std::string> words;
    if (step != "report") {
      for (const auto& [name, value] : ModelOptionsOf(common))
        words.insert(words.end(), {name, value});
    }
    if (common.threads != 0)
      words.insert(words.end(), {"--threads", std::to_string(common.threads)});
    if (common.seed) words.insert(words.end(), {"--seed", std::to_string(*common.seed)});
    if (common.quiet) words.emplace_back("--quiet");
    if (force_ && step != "predict" && step != "report") words.emplace_back("--force");
    return words;
  }

  std::string prompt_ = kFirstPattern, subject_ = kFirstSubject, other_ = kFirstOtherSubject,
              target_ = "Rome";
  std::optional<std::string> relations_, relation_;
  int64_t limit_ = 40;
  bool force_ = false;
  std::optional<std::string> out_;
};

}  // namespace

std::unique_ptr<Command> MakeDemo() { return std::make_unique<DemoCommand>(); }

}  // namespace mambascope
