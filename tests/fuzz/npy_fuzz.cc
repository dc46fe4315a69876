// An array in NumPy's format. The archive around it is intact, so that checksums stop no input.
#include "mambascope/checkpoint/zip.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/tensors.h"

FUZZ(Npy) {
  using namespace mambascope;
  const std::filesystem::path file = InputFile("", "moments.npz");
  WriteZip(file, {{"x.npy", {input}}});
  UseNpz(file);
}
