#include <ATen/ATen.h>
#include <fmt/format.h>

#include "mambascope/cli/commands.h"
#include "mambascope/error.h"
#include "mambascope/figures/label.h"
#include "mambascope/model/ops.h"

namespace mambascope {
namespace {

class PredictCommand : public Command {
 public:
  void VisitOptions(OptionVisitor& option) override {
    VisitPromptOptions(prompt_, option);
    option.Topic("Output");
    option(
        &top_,
        {.names = "--top", .help = "Number of tokens to list", .bounds = Integers{1, 1'000'000}});
  }

  void Run() override {
    const std::optional<Tokenizer> tokenizer = LoadTokenizer(common, prompt_);
    const std::vector<int64_t> ids = PromptIds(common, prompt_, tokenizer);
    const Model model = LoadModel(common, tokenizer ? &*tokenizer : nullptr);
    const at::Tensor h = model.Forward(ids, Packing::Whole({static_cast<int64_t>(ids.size())}));
    const at::Tensor logits = model.Unembed(h[-1]).cpu(), probabilities = logits.softmax(0);
    RequireFinite(logits, "a logit");
    const at::Tensor best = std::get<1>(logits.topk(std::min(top_, logits.size(0))));
    Json json = {{"tokens", Json::array()}, {"top", Json::array()}};
    std::string text = "tokens:";
    for (int64_t id : ids) {
      json["tokens"].push_back({{"id", id}, {"text", TokenText(tokenizer, id)}});
      text += tokenizer
                  ? fmt::format(" [{}]",
                                VisibleText(json["tokens"].back()["text"].is_null()
                                                ? ""
                                                : json["tokens"].back()["text"].get<std::string>()))
                  : fmt::format(" {}", id);
    }
    text += "\n";
    for (int64_t k = 0; k < best.size(0); ++k) {
      const int64_t id = best[k].item<int64_t>();
      const Json word = TokenText(tokenizer, id);
      const double p = probabilities[id].item<double>(), logit = logits[id].item<double>();
      json["top"].push_back({{"id", id}, {"text", word}, {"prob", p}, {"logit", logit}});
      text += fmt::format("{:8.4f}  {:>6}  {}\n", p, id,
                          word.is_string() ? VisibleText(word.get<std::string>()) : "");
    }
    Print(common, json, text);
  }

 private:
  PromptArguments prompt_;
  int64_t top_ = 5;
};

}  // namespace

std::unique_ptr<Command> MakePredict() { return std::make_unique<PredictCommand>(); }

}  // namespace mambascope
