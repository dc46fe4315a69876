#include "mambascope/data/read_faults.h"

namespace mambascope {

bool TryRead(std::vector<std::string>* faults, const std::function<void()>& read) {
  try {
    read();
    return true;
  } catch (const Error& e) {
    if (faults == nullptr) throw;
    faults->emplace_back(e.what());
    return false;
  }
}

}  // namespace mambascope
