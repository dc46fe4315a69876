// PyTorch's .bin: the input is its pickle. The storages 0, 1 and 2 have 0, 8 and 48 bytes.
#include "mambascope/checkpoint/zip.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/tensors.h"

FUZZ(TorchBin) {
  using namespace mambascope;
  static const std::string bytes(48, '\0');
  const auto storage = [](size_t size) {
    return std::vector<std::string_view>{std::string_view(bytes).substr(0, size)};
  };
  const std::filesystem::path file = InputFile("", "pytorch_model.bin");
  WriteZip(file, {{"a/data.pkl", {input}},
                  {"a/data/0", storage(0)},
                  {"a/data/1", storage(8)},
                  {"a/data/2", storage(48)}});
  UseTensors(*OpenTorchBin(file));
}
