// An array in NumPy's format. The archive around it is intact, so that checksums stop no input.
#include "mambascope/checkpoint/npz.h"
#include "mambascope/checkpoint/zip.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/tensors.h"

FUZZ(Npy) {
  using namespace mambascope;
  const std::filesystem::path file = InputFile("", "moments.npz");
  WriteZip(file, {{"x.npy", {input}}});
  for (const auto& [name, value] : ReadNpz(file)) {
    if (const auto* tensor = std::get_if<at::Tensor>(&value)) UseTensor(*tensor);
  }
}
