// Real data files hold bad records. A reader leaves them out, and reports which and why.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "mambascope/error.h"
#include "mambascope/tokenizer/json_node.h"

namespace mambascope {

// Faults that a reader found. Each fault is one sentence that names the file, the field and the
// record (by its index in the list, from 0).
struct ReadFaults {
  int64_t records = 0;                // records in the files that were read
  std::vector<std::string> left_out;  // records that cannot be used
  std::vector<std::string> ignored;   // optional fields that cannot be used; their records are kept
};

// Calls `read`, which reads one record or field. An Error that it throws is added to `faults`.
// Without `faults`, the Error is thrown on. Returns whether `read` succeeded.
bool TryRead(std::vector<std::string>* faults, const std::function<void()>& read);

// Calls `read` for each of `nodes`, the records of `list`. A record for which `read` throws Error
// is left out and reported in `faults`. Without `faults`, the Error is thrown on. Throws Error when
// there are no records, and when all are left out.
template <typename Record>
std::vector<Record> ReadEach(const JsonNode& list, const std::vector<JsonNode>& nodes,
                             ReadFaults* faults,
                             const std::function<Record(const JsonNode&, size_t place)>& read) {
  if (nodes.empty()) list.Fail("holds no records");
  std::vector<Record> records;
  std::vector<std::string> left_out;
  for (size_t i = 0; i < nodes.size(); ++i)
    TryRead(faults ? &left_out : nullptr, [&] { records.push_back(read(nodes[i], i)); });
  if (records.empty() && nodes.size() == 1) throw Error(left_out.front());
  if (records.empty())
    throw Error("none of the " + std::to_string(nodes.size()) +
                " records can be used; the first fault: " + left_out.front());
  if (faults) {
    faults->records += static_cast<int64_t>(nodes.size());
    faults->left_out.insert(faults->left_out.end(), left_out.begin(), left_out.end());
  }
  return records;
}

}  // namespace mambascope
