// A safetensors file: its header, and the tensors that the header describes.
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/tensors.h"

FUZZ(Safetensors) {
  using namespace mambascope;
  UseTensors(*OpenSafetensors(InputFile(input, "model.safetensors")));
}
