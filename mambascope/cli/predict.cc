#include <ATen/ATen.h>
#include <fmt/format.h>

#include <charconv>

#include "mambascope/cli/commands.h"
#include "mambascope/cli/facts.h"
#include "mambascope/cli/progress.h"
#include "mambascope/error.h"
#include "mambascope/experiments/tracing/patched_run.h"
#include "mambascope/model/ops.h"

namespace mambascope {
namespace {

struct PredictArguments {
  PromptArguments prompt;
  int64_t top = 5;
  std::optional<std::string> edit;     // file
  std::optional<std::string> subject;  // of a patched run, as are the next three
  CorruptionArguments corruption;
  std::optional<std::string> restore;
  std::optional<int> window;

  // The fact of the patched run.
  FactArguments fact() const {
    return {.prompt = prompt.prompt, .subject = subject, .corruption = corruption};
  }
};

// A cell of a trace: SITE:LAYER:TOKEN.
struct RestoredCell {
  Site site;
  int layer = 0;
  int64_t token = 0;
};

template <typename T>
T ParseIndex(const std::string& text, const std::string& restore) {
  T number = 0;
  const char* end = text.data() + text.size();
  if (const auto [rest, error] = std::from_chars(text.data(), end, number);
      error != std::errc() || rest != end)
    throw Error(fmt::format("--restore {}: '{}' is not a number", restore, text),
                "write SITE:LAYER:TOKEN, as resid:5:3");
  return number;
}

RestoredCell ParseCell(const std::string& restore, const Model& model) {
  const std::vector<std::string> parts = SplitAt(restore, ':');
  if (parts.size() != 3)
    throw Error(fmt::format("--restore {}: expected SITE:LAYER:TOKEN", restore),
                "an example is resid:5:3");
  return {ParseSite(parts[0], model.sites()), ParseIndex<int>(parts[1], restore),
          ParseIndex<int64_t>(parts[2], restore)};
}

// The tokens of a text. [begin, end) are the code points of it that a token is.
Json TokensJson(const std::vector<Token>& tokens, const std::optional<Tokenizer>& tokenizer) {
  Json json = Json::array();
  for (const Token& token : tokens)
    json.push_back({{"id", token.id},
                    {"text", TokenText(tokenizer, token.id)},
                    {"begin", token.chars.begin},
                    {"end", token.chars.end}});
  return json;
}

std::string TokensText(const Json& tokens) {
  std::string text = "tokens:";
  for (const Json& token : tokens)
    text += token.at("text").is_null() ? fmt::format(" {}", token.at("id").get<int64_t>())
                                       : fmt::format(" [{}]", ShownToken(token.at("text")));
  return text + "\n";
}

std::string TopText(const Json& top) {
  std::string text;
  for (const Json& token : top)
    text += fmt::format("{:8.4f}  {:>6}  {}\n", token.at("prob").get<double>(),
                        token.at("id").get<int64_t>(), ShownToken(token.at("text")));
  return text;
}

class PredictCommand : public Command {
 public:
  void VisitOptions(OptionVisitor& option) override {
    VisitPromptOptions(a_.prompt, option);
    option.Topic("Edited model");
    option(&a_.edit, {.names = "--edit",
                      .help = "An edit's file, edit.safetensors. The edited model then predicts",
                      .otherwise = "no edit"});
    option.Topic("Patched run");
    option(&a_.restore,
           {.names = "--restore",
            .help = "Cell of a trace, as SITE:LAYER:TOKEN, such as resid:5:3. The command "
                    "then also shows the corrupted run and the cell's patched run. "
                    "Layers and tokens count from 0",
            .needs = {"--prompt", "--subject"}});
    option(&a_.subject, {.names = "--subject",
                         .help = "Subject. The prompt contains it, or {} in its place",
                         .needs = {"--restore"}});
    option(&a_.window, {.names = "--window",
                        .help = "Number of layers restored together",
                        .otherwise = "the default of trace",
                        .bounds = Integers{1, 1'000'000},
                        .needs = {"--restore"}});
    VisitCorruptionOptions(a_.corruption, option);
    option.Topic("Output");
    option(
        &a_.top,
        {.names = "--top", .help = "Number of tokens to list", .bounds = Integers{1, 1'000'000}});
  }

  void Check() const override {
    if (a_.restore) CheckFacts(a_.fact());
    else
      Refuse(a_.corruption.subject || a_.corruption.noise || a_.corruption.samples,
             "--corrupt-subject, --noise and --samples need --restore");
  }

  void Run() override {
    const std::optional<Tokenizer> tokenizer = LoadTokenizer(common, a_.prompt);
    if (a_.restore) PredictPatched(tokenizer ? *tokenizer : RequireTokenizer(common));
    else Predict(tokenizer);
  }

 private:
  // The model, with the edits of --edit.
  Model ChosenModel(const Tokenizer* tokenizer) const {
    const std::vector<Edit> edits =
        a_.edit ? ReadEditsOf(common, *a_.edit).edits : std::vector<Edit>();
    const Model model = LoadModel(common, tokenizer);
    return edits.empty() ? model : model.Edited(edits);
  }

  void Predict(const std::optional<Tokenizer>& tokenizer) const {
    const std::vector<Token> tokens = PromptTokens(common, a_.prompt, tokenizer);
    const Model model = ChosenModel(tokenizer ? &*tokenizer : nullptr);
    WarnOfLength(common, model, static_cast<int64_t>(tokens.size()));
    const at::Tensor h =
        model.Forward(TokenIds(tokens), Packing::Whole({static_cast<int64_t>(tokens.size())}));
    const at::Tensor logits = model.Unembed(h[-1]).cpu();
    RequireFinite(logits, "a logit");
    Json json = {{"tokens", TokensJson(tokens, tokenizer)},
                 {"top", TopTokens(logits.softmax(0), a_.top, tokenizer)}};
    if (!a_.prompt.prompt) {  // ids have no place in a text
      for (Json& token : json["tokens"]) {
        token.erase("begin");
        token.erase("end");
      }
    }
    for (Json& token : json["top"])
      token["logit"] = logits[token.at("id").get<int64_t>()].item<double>();
    Print(common, json, TokensText(json["tokens"]) + TopText(json["top"]));
  }

  void PredictPatched(const Tokenizer& tokenizer) const {
    const FactArguments fact = a_.fact();
    AskedFacts asked = ReadFacts(common, fact);
    const Model model = ChosenModel(&tokenizer);
    FitFacts(common, fact, model, tokenizer, asked);
    const auto [site, layer, token] = ParseCell(*a_.restore, model);
    const TracedSite at{site, a_.window.value_or(DefaultWindow(site, model.layers()))};
    Progress progress({.what = "predict: the patched run"}, common.progress());
    const PatchedRun run = RunPatched(model, *asked.one, asked.noise, at, layer, token,
                                      {.progress = [&](int64_t done, int64_t total) {
                                        progress(static_cast<double>(done), total);
                                      }});
    const auto top = [&](const at::Tensor& p) { return TopTokens(p, a_.top, tokenizer); };
    const auto tokens = [&](const Prompt& prompt) {
      return TokensJson(tokenizer.Encode(prompt.text), tokenizer);
    };
    const Prompt& clean = asked.one->clean;
    const Json json = {
        {"tokens", tokens(clean)},
        {"top", top(run.clean)},
        {"corrupted",
         {{"tokens", tokens(asked.one->corrupt.value_or(clean))}, {"top", top(run.corrupted)}}},
        {"patched", {{"top", top(run.patched)}, {"window", at.window}}}};
    const auto part = [](const std::string& name, const Json& best) {
      return name + "\n" + TopText(best);
    };
    Print(common, json,
          TokensText(json["tokens"]) + part("clean run:", json["top"]) +
              part("corrupted run:", json["corrupted"]["top"]) +
              part(fmt::format("patched run, with {} of layer {} restored at token {}:",
                               SiteName(site), layer, token),
                   json["patched"]["top"]));
  }

  PredictArguments a_;
};

}  // namespace

std::unique_ptr<Command> MakePredict() { return std::make_unique<PredictCommand>(); }

}  // namespace mambascope
