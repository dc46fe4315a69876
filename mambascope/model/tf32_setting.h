// Whether a GPU's products of float32 matrices are in TF32, for a process with other users of
// LibTorch.
#pragma once

namespace mambascope {

// Decides this for the process while it exists. Those that need the same share the setting, and
// others wait for them. The last one restores what was set before. PyTorch has two ways to set it,
// and cannot read it where they differ. It is then restored as TF32.
class Tf32Setting {
 public:
  explicit Tf32Setting(bool tf32);
  ~Tf32Setting();
  Tf32Setting(const Tf32Setting&) = delete;
  Tf32Setting& operator=(const Tf32Setting&) = delete;
};

}  // namespace mambascope
