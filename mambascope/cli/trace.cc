#include "mambascope/experiments/trace.h"

#include <fmt/format.h>

#include "mambascope/checkpoint/file.h"
#include "mambascope/cli/commands.h"
#include "mambascope/cli/progress.h"
#include "mambascope/error.h"
#include "mambascope/report/label.h"
#include "mambascope/report/trace_report.h"

namespace mambascope {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string prompt, subject, corrupt_subject, answer, site = "resid", out = "out";
  int window = 0;
};

// The first token of " " + answer; none: the model's own.
std::optional<int64_t> AnswerId(const Tokenizer& tokenizer, const std::string& answer) {
  if (answer.empty()) return std::nullopt;
  const std::vector<Token> tokens = tokenizer.EncodeContinuation(answer.front() == ' ' ? answer : " " + answer);
  if (tokens.empty()) throw Error(fmt::format("the answer '{}' has no token", answer));
  return tokens.front().id;
}

std::string Summary(const TraceOptions& options, const FactTrace& fact, const fs::path& out) {
  const bool guarded = fact.p_clean - fact.p_corrupt < kGuard;
  return fmt::format("{} -> {}\n  clean      p = {:.4g}  ({})\n  corrupted  p = {:.4g}  ({})\n{}\n", fact.clean.text,
                     VisibleText(fact.answer), fact.p_clean, fact.clean.subject, fact.p_corrupt, fact.corrupt.subject,
                     guarded ? "  the clean prompt does not make this answer more probable: there is nothing to restore\n" : "") +
         fmt::format("p(answer) with one state restored, site {}, window {}:\n{}\n{}\n{}\n", SiteName(options.site), options.window,
                     TerminalHeatMap(TraceHeatMap(options, fact)), (out / "trace.json").string(), (out / "trace.html").string());
}

void RunTrace(const CommonOptions& common, const Options& o) {
  const fs::path out = o.out;
  for (const char* name : {"trace.json", "trace.html"}) PrepareFile(out / name);
  const Tokenizer tokenizer = RequireTokenizer(common);
  const std::string pattern = o.prompt.find("{}") == o.prompt.npos ? PatternOf(o.prompt, o.subject) : o.prompt;
  const Prompt clean = MakePrompt(tokenizer, pattern, o.subject), corrupt = MakePrompt(tokenizer, pattern, o.corrupt_subject);
  const Model model = LoadModel(common);
  Progress progress("tracing", "cells", common.quiet);
  TraceOptions options{.site = ParseSite(o.site, model.sites()), .window = o.window, .progress = std::ref(progress)};
  if (options.site == Site::kEmbed && o.window > 1) throw Error("--window: the embedding has no layers to restore together");
  if (options.window == 0) options.window = DefaultWindow(options.site, model.layers());
  FactTrace fact = TraceFact(model, clean, corrupt, AnswerId(tokenizer, o.answer), options);
  if (fact.answer_id < tokenizer.vocab_size())
    fact.answer = tokenizer.Decode(std::span(&fact.answer_id, 1));  // models pad their vocabulary
  const Json echo = EchoOptions("trace", common,
                                {{"prompt", pattern},
                                 {"subject", o.subject},
                                 {"corrupt_subject", o.corrupt_subject},
                                 {"site", SiteName(options.site)},
                                 {"window", options.window},
                                 {"answer", o.answer.empty() ? Json() : Json(o.answer)}});
  const Json json = TraceJson(echo, options, {fact});
  WriteFile(out / "trace.json", json.dump(1) + "\n");
  WriteFile(out / "trace.html", TracePage(echo, options, fact));
  Print(common, json, Summary(options, fact, out));
}

}  // namespace

void Trace(CLI::App& command, CommonOptions& common) {
  const auto o = std::make_shared<Options>();
  command.add_option("--prompt", o->prompt, "with {} for the subject, as \"{} is located in\"")->required();
  command.add_option("--subject", o->subject)->required();
  command.add_option("--corrupt-subject", o->corrupt_subject, "what stands in its place in the corrupted prompt")->required();
  command.add_option("--answer", o->answer, "whose first token is traced; without it, the clean prompt's most probable token");
  command.add_option("--site", o->site, "the states to restore")->capture_default_str();
  command.add_option("--window", o->window, "layers restored together; without it, 1 for resid, else the paper's share of the layers")
      ->check(CLI::Range(1, 1'000'000));
  command.add_option("--out", o->out, "folder for trace.json and trace.html")->capture_default_str();
  command.callback([&common, o] { RunTrace(common, *o); });
}

}  // namespace mambascope
