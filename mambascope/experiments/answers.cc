#include "mambascope/experiments/answers.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>

#include "mambascope/experiments/fact_pair.h"
#include "mambascope/experiments/jacobian.h"

namespace mambascope {
namespace {

// The last block's output at the end of each prompt, [prompt, d_model].
at::Tensor LastStates(const Model& model, std::vector<PromptToken> prompts) {
  for (PromptToken& prompt : prompts) prompt.token = static_cast<int64_t>(prompt.ids.size()) - 1;
  const Place top = BlockOutput(model.layers() - 1);
  return TokenStates(model, prompts, {top}).at(top);
}

}  // namespace

Said Judge(const Model& model, const Tokenizer& tokenizer, const at::Tensor& last, const std::vector<std::string>& objects,
           const std::vector<int64_t>& expected) {
  const int64_t rows = last.size(0), some = model.rows_to_unembed();
  const at::Tensor right = at::zeros({rows}, at::kDouble), right_in_3 = at::zeros({rows}, at::kDouble);
  std::vector<at::Tensor> log_p;
  std::map<int64_t, std::string> text;
  const auto says = [&](int64_t id, const std::string& object) {
    const auto [found, is_new] = text.try_emplace(id);
    if (is_new) found->second = tokenizer.DecodeToken(id).value_or("");
    return IsAnswer(found->second, object);
  };
  for (int64_t begin = 0; begin < rows; begin += some) {
    const int64_t n = std::min(some, rows - begin);
    const at::Tensor logits = model.Unembed(last.narrow(0, begin, n));
    const at::Tensor top = std::get<1>(logits.topk(3)).cpu();  // [state, 3]
    for (int64_t i = 0; i < n; ++i) {
      const int64_t* ids = top.data_ptr<int64_t>() + 3 * i;
      const auto is_right = [&](int64_t id) { return says(id, objects[static_cast<size_t>(begin + i)]); };
      right[begin + i] = is_right(ids[0]) ? 1 : 0;
      right_in_3[begin + i] = std::any_of(ids, ids + 3, is_right) ? 1 : 0;
    }
    if (expected.empty()) continue;
    const at::Tensor wanted = RowIndex({expected.begin() + begin, expected.begin() + begin + n}, logits).unsqueeze(1);
    log_p.push_back((logits.gather(1, wanted).squeeze(1) - logits.logsumexp(1)).cpu().to(at::kDouble));
  }
  return {right, right_in_3, log_p.empty() ? at::Tensor() : at::cat(log_p)};
}

std::vector<std::string> ObjectsOf(const std::vector<Sample>& samples) {
  std::vector<std::string> objects;
  for (const Sample& sample : samples) objects.push_back(sample.object);
  return objects;
}

Asked Ask(const Model& model, const std::vector<Sample>& samples, std::vector<PromptToken> prompts) {
  Asked asked{samples, std::move(prompts), {}, {}};
  asked.z = LastStates(model, asked.prompts);
  const int64_t some = model.rows_to_unembed();
  for (int64_t begin = 0; begin < asked.z.size(0); begin += some) {
    const at::Tensor top = model.Unembed(asked.z.narrow(0, begin, std::min(some, asked.z.size(0) - begin))).argmax(1).cpu();
    asked.says.insert(asked.says.end(), top.data_ptr<int64_t>(), top.data_ptr<int64_t>() + top.numel());
  }
  return asked;
}

Asked KnownOf(const Tokenizer& tokenizer, const Asked& asked, int64_t limit) {
  std::vector<int64_t> order;
  for (size_t i = 0; i < asked.samples.size(); ++i) {
    if (IsAnswer(tokenizer.DecodeToken(asked.says[i]).value_or(""), asked.samples[i].object)) order.push_back(static_cast<int64_t>(i));
  }
  const auto subject = [&](int64_t i) -> const std::string& { return asked.samples[static_cast<size_t>(i)].subject; };
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return subject(a) < subject(b); });
  if (limit > 0 && static_cast<int64_t>(order.size()) > limit) order.resize(static_cast<size_t>(limit));
  Asked known{{}, {}, asked.z.index_select(0, RowIndex(order, asked.z)), {}};
  for (int64_t i : order) {
    known.samples.push_back(asked.samples[static_cast<size_t>(i)]);
    known.prompts.push_back(asked.prompts[static_cast<size_t>(i)]);
    known.says.push_back(asked.says[static_cast<size_t>(i)]);
  }
  return known;
}

}  // namespace mambascope
