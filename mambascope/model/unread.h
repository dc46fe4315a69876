// Finds the tensors of a checkpoint that a model does not read, and says what they are.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "mambascope/checkpoint/checkpoint.h"
#include "mambascope/checkpoint/config.h"
#include "mambascope/model/families/families.h"

namespace mambascope {

// A source that forwards weights, counts their elements and records their names.
class CountingSource : public WeightSource {
 public:
  explicit CountingSource(const WeightSource& source) : source_(source) {}
  std::string where() const override { return source_.where(); }
  bool Has(const std::string& name) const override { return source_.Has(name); }
  std::vector<std::string> Names() const override { return source_.Names(); }
  at::Tensor Get(const std::string& name, const std::vector<int64_t>& shape) const override;
  // A copy counts as read, and adds nothing to count().
  bool IsCopy(const std::string& name, const std::string& of) const override;
  int64_t count() const { return count_; }
  // Returns the names of tensors that were never read. Tables that the code computes itself, such
  // as causal masks and rotary frequencies, and heads that predict further tokens are left out.
  std::vector<std::string> Unread() const;

 private:
  const WeightSource& source_;
  mutable int64_t count_ = 0;
  mutable std::set<std::string> used_;
};

// Returns a warning about each kind of unread tensors: those that the model lacks, and the other
// parts of a multimodal model.
std::vector<std::string> WarningsOfUnread(const std::vector<std::string>& unread,
                                          const ModelNames& names, const Config& config);

}  // namespace mambascope
