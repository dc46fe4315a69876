// Real data files hold bad records. A reader leaves them out, and says which and why.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "mambascope/error.h"
#include "mambascope/tokenizer/json_node.h"

namespace mambascope {

// Each fault is one sentence, which names the file, the record (by its place in the list, from 0)
// and the field.
struct ReadFaults {
  int64_t records = 0;                // records in the files that were read
  std::vector<std::string> left_out;  // records that cannot be used
  std::vector<std::string> ignored;   // optional fields that cannot be used; their records are kept
};

// Calls `read`, which reads one record or field. An Error that it throws goes to `faults`; without
// `faults` it is passed on. Returns whether `read` succeeded.
bool TryRead(std::vector<std::string>* faults, const std::function<void()>& read);

// Reads each of `nodes`, the records of `list`. A record that `read` refuses is left out. Throws
// Error when there are no records, when all are left out, and, without `faults`, for the first bad
// record.
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
