#include "mambascope/tokenizer/gpt2_files.h"

#include "mambascope/checkpoint/file.h"

namespace mambascope {
namespace {

// Reads the merges of merges.txt: all lines but "#version: 0.2" and empty ones.
Json ReadMerges(const std::filesystem::path& path) {
  Json merges = Json::array();
  const std::string text = ReadFile(path);
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty() && !line.starts_with("#version")) merges.push_back(std::move(line));
    begin = end + 1;
  }
  return merges;
}

}  // namespace

Json FromGpt2Files(Json vocab, const std::filesystem::path& vocab_path) {
  constexpr const char* kEndOfText = "<|endoftext|>";
  Json added = Json::array();
  if (vocab.contains(kEndOfText))
    added.push_back({{"content", kEndOfText}, {"special", true}, {"normalized", false}});
  Json merges = ReadMerges(vocab_path.parent_path() / "merges.txt");
  return {{"added_tokens", std::move(added)},
          {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}}},
          {"post_processor", {{"type", "ByteLevel"}, {"trim_offsets", false}}},
          {"decoder", {{"type", "ByteLevel"}}},
          {"model", {{"type", "BPE"}, {"vocab", std::move(vocab)}, {"merges", std::move(merges)}}}};
}

}  // namespace mambascope
