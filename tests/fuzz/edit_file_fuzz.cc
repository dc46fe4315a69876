// A file of edits.
#include "mambascope/experiments/editing/edit_file.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/tensors.h"

FUZZ(EditFile) {
  using namespace mambascope;
  for (const Edit& edit : ReadEdits(InputFile(input, "edit.safetensors")).edits) {
    UseTensor(edit.u);
    UseTensor(edit.v);
  }
}
