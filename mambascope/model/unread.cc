#include "mambascope/model/unread.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "mambascope/plural.h"

namespace mambascope {
namespace {

// Whether the tensor is a table that the code computes itself. Some checkpoints store causal masks,
// rotary tables and positions beside the weights.
bool IsBuffer(std::string_view name) {
  static constexpr std::array kEnds = {
      ".attn.bias", ".attention.bias", "masked_bias",  ".attn.causal_mask",   "inv_freq",
      "cos_cached", "sin_cached",      "position_ids", ".num_batches_tracked"};
  return std::any_of(kEnds.begin(), kEnds.end(),
                     [&](std::string_view end) { return name.ends_with(end); });
}

// Whether the weight is of a head for multi-token prediction, as in DeepSeek-V3 and Qwen3.5. The
// logits of the next token do not depend on it.
bool IsOfFurtherTokens(std::string_view name) {
  return name.starts_with("mtp.") || name.starts_with("model.mtp.");
}

// Whether a text model of these names could have the weight `name`.
bool IsOfTextModel(std::string_view name, const ModelNames& names) {
  for (const std::string& part : {names.blocks, names.embedding, names.norm}) {
    if (name.starts_with(names.prefix + part + ".")) return true;
  }
  return name.starts_with(names.unembedding + ".");
}

std::string UnreadText(const std::vector<std::string>& names) {
  constexpr size_t kNamed = 5;
  const size_t named = std::min(names.size(), kNamed);
  const std::string more =
      names.size() > named ? fmt::format(" and {} more", names.size() - named) : "";
  return fmt::format(
      "the model does not read '{}'{} of the checkpoint; does config.json describe another model?",
      fmt::join(names.begin(), names.begin() + static_cast<int64_t>(named), "', '"), more);
}

}  // namespace

at::Tensor CountingSource::Get(const std::string& name, const std::vector<int64_t>& shape) const {
  at::Tensor weight = source_.Get(name, shape);
  if (used_.insert(name).second) count_ += weight.numel();
  return weight;
}

bool CountingSource::IsCopy(const std::string& name, const std::string& of) const {
  const bool is_copy = source_.IsCopy(name, of);
  if (is_copy) used_.insert(name);
  return is_copy;
}

std::vector<std::string> CountingSource::Unread() const {
  std::vector<std::string> unread = source_.Names();
  std::erase_if(unread, [&](const std::string& name) {
    return used_.contains(name) || IsBuffer(name) || IsOfFurtherTokens(name);
  });
  return unread;
}

std::vector<std::string> WarningsOfUnread(const std::vector<std::string>& unread,
                                          const ModelNames& names, const Config& config) {
  const bool is_part = !config.wrapper.empty() || names.in_wrapper;
  std::vector<std::string> of_text, of_others, warnings;
  for (const std::string& name : unread)
    (is_part && !IsOfTextModel(name, names) ? of_others : of_text).push_back(name);
  if (!of_others.empty())
    warnings.push_back(
        fmt::format("only the text model of this {}checkpoint is used; {} of its other parts {} "
                    "not read",
                    config.wrapper.empty() ? "multimodal " : config.wrapper + " ",
                    Count(of_others.size(), "tensor"), of_others.size() == 1 ? "is" : "are"));
  if (!of_text.empty()) warnings.push_back(UnreadText(of_text));
  return warnings;
}

}  // namespace mambascope
