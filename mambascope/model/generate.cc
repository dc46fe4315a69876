#include "mambascope/model/generate.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "mambascope/error.h"
#include "mambascope/model/kernels/batch_sizes.h"
#include "mambascope/model/ops.h"

namespace mambascope {
namespace {

// Returns the next token, given `logits` [vocab] on the CPU. Uses one random number per token on
// every platform.
int64_t NextToken(const at::Tensor& logits, int64_t top_k, std::mt19937_64& random) {
  if (top_k == 0) return logits.argmax().item<int64_t>();
  const auto [values, ids] = logits.topk(std::min(top_k, logits.size(0)));
  const at::Tensor cumulative = values.to(at::kDouble).softmax(0).cumsum(0);
  const double draw = static_cast<double>(random() >> 11) * 0x1.0p-53;
  const int64_t index = (cumulative <= draw).sum().item<int64_t>();
  return ids[std::min(index, ids.size(0) - 1)].item<int64_t>();
}

// A prompt that is being continued.
struct Writer {
  std::vector<int64_t>& text;  // the generated tokens
  std::vector<int64_t> fresh;  // tokens that its carry does not include yet
  std::mt19937_64 random;
  int64_t position = 0;  // position of the first fresh token
  int64_t slot = -1;     // slot of its carry
};

// Computes the fresh tokens of all writers as one packed batch and appends a token to each. `carry`
// holds the slots of all layers.
void Step(const Model& model, std::vector<Writer>& writers, int64_t top_k,
          std::vector<Carry>& carry) {
  std::vector<int64_t> ids;
  Packing packing;
  for (const Writer& w : writers) {
    packing.segments.push_back(
        {packing.rows(), static_cast<int64_t>(w.fresh.size()), w.position, w.slot});
    ids.insert(ids.end(), w.fresh.begin(), w.fresh.end());
  }
  packing.kept = packing.LastRows();
  packing.grows = true;
  std::vector<Carry> next;
  const at::Tensor h =
      model.Forward(ids, packing, nullptr, carry.empty() ? nullptr : &carry, &next);
  const at::Tensor logits =
      model.Unembed(h.index_select(0, RowIndex(packing.kept, h))).cpu();  // [writer, vocab]
  RequireFinite(logits, "a logit");
  carry = std::move(next);
  for (size_t i = 0; i < writers.size(); ++i) {
    Writer& w = writers[i];
    w.slot = static_cast<int64_t>(i);
    w.position += static_cast<int64_t>(w.fresh.size());
    w.text.push_back(NextToken(logits[w.slot], top_k, w.random));
    w.fresh = {w.text.back()};
  }
}

}  // namespace

std::vector<std::vector<int64_t>> Generate(const Model& model,
                                           const std::vector<std::vector<int64_t>>& prompts,
                                           const GenerateOptions& options) {
  c10::NoGradGuard no_grad;
  std::vector<std::vector<int64_t>> texts(prompts.size());
  for (size_t begin = 0; begin < prompts.size(); begin += kGeneratedTogether) {
    std::vector<Writer> writers;
    for (size_t i = begin; i < std::min(begin + kGeneratedTogether, prompts.size()); ++i) {
      if (prompts[i].empty())
        throw Error(fmt::format("prompt {} is empty", i), "a prompt needs at least one token");
      writers.push_back(
          {texts[i], prompts[i], std::mt19937_64(options.seed ^ (0x9e3779b97f4a7c15ULL * i))});
    }
    std::vector<Carry> carry;
    for (int64_t token = 0; token < options.tokens && !writers.empty(); ++token) {
      Step(model, writers, options.top_k, carry);
      const auto done = [&](const Writer& w) { return w.text.back() == options.stop; };
      std::vector<Writer> rest;
      for (Writer& w : writers) {
        if (!done(w)) rest.push_back(std::move(w));
      }
      writers.swap(rest);
    }
  }
  return texts;
}

}  // namespace mambascope
