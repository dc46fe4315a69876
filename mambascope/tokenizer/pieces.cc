#include "mambascope/tokenizer/pieces.h"

#include <fmt/format.h>

#include "mambascope/error.h"
#include "mambascope/tokenizer/utf8.h"

namespace mambascope {
namespace {

// Real tokenizers make a text a few times as long. Without a limit, a few steps that each replace a
// character by ten need any amount of memory.
constexpr size_t kMostGrowth = 100, kMostAdded = 100'000;

}  // namespace

void AlignedText::RefuseGrowth() const {
  throw Error(fmt::format("the tokenizer makes more than {} bytes of a text of {} bytes", most,
                          (most - kMostAdded) / kMostGrowth),
              "does a Replace or Prepend step of tokenizer.json repeat?");
}

Pieces::Pieces(std::string_view original) {
  text.bytes.reserve(original.size());
  text.origin.reserve(original.size());
  text.most = kMostGrowth * original.size() + kMostAdded;
  int64_t chars = 0;
  for (size_t i = 0; i < original.size();) {
    const size_t size = FirstChar(original.substr(i)).size;
    text.Append(original.substr(i, size), chars++);
    i += size;
  }
  Add({0, text.size()});
}

}  // namespace mambascope
