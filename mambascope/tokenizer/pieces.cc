#include "mambascope/tokenizer/pieces.h"

#include "mambascope/tokenizer/utf8.h"

namespace mambascope {

Pieces::Pieces(std::string_view original) {
  text.bytes.reserve(original.size());
  text.origin.reserve(original.size());
  int64_t chars = 0;
  for (size_t i = 0; i < original.size();) {
    const size_t size = FirstChar(original.substr(i)).size;
    text.Append(original.substr(i, size), chars++);
    i += size;
  }
  Add({0, text.size()});
}

}  // namespace mambascope
