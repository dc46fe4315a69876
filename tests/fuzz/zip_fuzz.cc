// A zip archive, read as an .npz and as PyTorch's .bin.
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/tensors.h"

FUZZ(Zip) {
  using namespace mambascope;
  const std::filesystem::path file = InputFile(input, "archive.zip");
  ReadOrRefuse([&] { UseNpz(file); });
  UseTensors(*OpenTorchBin(file));
}
