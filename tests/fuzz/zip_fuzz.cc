// A zip archive, read as an .npz and as PyTorch's .bin.
#include "mambascope/checkpoint/npz.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/tensors.h"

FUZZ(Zip) {
  using namespace mambascope;
  const std::filesystem::path file = InputFile(input, "archive.zip");
  ReadOrRefuse([&] { ReadNpz(file); });
  UseTensors(*OpenTorchBin(file));
}
