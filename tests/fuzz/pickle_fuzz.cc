// The pickle in PyTorch's .bin.
#include "mambascope/checkpoint/pickle.h"
#include "tests/fuzz/fuzz.h"

FUZZ(Pickle) { mambascope::ReadTensorPickle(input, "data.pkl"); }
