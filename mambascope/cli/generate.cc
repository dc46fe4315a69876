#include <ATen/ATen.h>
#include <fmt/format.h>

#include <random>

#include "mambascope/cli/commands.h"

namespace mambascope {
namespace {

// The next token: the most probable one, or drawn from the `top_k` most probable ones. One random number per token, whatever the platform.
int64_t NextToken(const at::Tensor& logits, int64_t top_k, std::mt19937_64& random) {
  if (top_k == 0) return logits.argmax().item<int64_t>();
  const auto [values, ids] = logits.topk(std::min(top_k, logits.size(0)));
  const at::Tensor cumulative = values.to(at::kDouble).softmax(0).cumsum(0);
  const double draw = static_cast<double>(random() >> 11) * 0x1.0p-53;
  const int64_t index = (cumulative <= draw).sum().item<int64_t>();
  return ids[std::min(index, ids.size(0) - 1)].item<int64_t>();
}

void RunGenerate(const CommonOptions& common, const PromptOptions& prompt, int64_t tokens, int64_t top_k) {
  const std::optional<Tokenizer> tokenizer = LoadTokenizer(common);
  std::vector<int64_t> fresh = PromptIds(prompt, tokenizer), generated;  // fresh: tokens that the carry does not hold yet
  const Model model = LoadModel(common);
  std::mt19937_64 random(common.seed);
  std::vector<Carry> carry;
  int64_t position = 0;
  for (int64_t i = 0; i < tokens; ++i) {
    const auto length = static_cast<int64_t>(fresh.size());
    const Packing packing{.segments = {{0, length, position, position == 0 ? -1 : 0}}, .kept = {length - 1}};
    std::vector<Carry> next;
    const at::Tensor h = model.Forward(fresh, packing, nullptr, position == 0 ? nullptr : &carry, &next);
    carry = std::move(next);
    position += length;
    generated.push_back(NextToken(model.Unembed(h[-1]).cpu(), top_k, random));
    fresh = {generated.back()};
  }
  const Json text = tokenizer ? Json(tokenizer->Decode(generated)) : Json();
  Print(common, {{"text", text}, {"ids", generated}},
        text.is_string() ? text.get<std::string>() + "\n" : fmt::format("{}\n", Json(generated).dump()));
}

}  // namespace

void Generate(CLI::App& command, CommonOptions& common) {
  struct Options {
    PromptOptions prompt;
    int64_t tokens = 20, top_k = 0;
  };
  const auto options = std::make_shared<Options>();
  AddPromptOptions(command, options->prompt);
  command.add_option("--tokens", options->tokens, "how many to add")->check(CLI::Range(1, 1'000'000))->capture_default_str();
  command.add_option("--top-k", options->top_k, "draw from the k most probable (seeded); without it, greedy")
      ->check(CLI::Range(1, 1'000'000));
  command.callback([&common, options] { RunGenerate(common, options->prompt, options->tokens, options->top_k); });
}

}  // namespace mambascope
