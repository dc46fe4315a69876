// Keeps a run from writing over the results of another run.
#pragma once

#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/error.h"
#include "mambascope/jobs/output_folder.h"

namespace mambascope {

// What becomes of the results of another run where a run writes its own.
enum class OtherRuns { kRefuse, kReplace };

// The hint of Errors about another run's results.
inline constexpr const char* kOtherOutput =
    "name another folder with --out OTHER, or overwrite what is there with --force";

// Looks for results of the command `name` in the folder, before a run writes its own. NAME.json is
// of the same run when its options have every value of `identities`, which are those of the run's
// models (and sites or tokens, where it has several). They may lack what is not known yet, so the
// function may be called again later. With kRefuse it throws Error for results of another run; the
// message names the folder, the other run and what differs. With kReplace it removes those files of
// the other run that this run will not write itself. A .jsonl file that this run does not write
// is another run's. For a file that it writes, the digests of the lines decide (ResultStore).
void RefuseOtherRun(const OutputFolder& folder, const std::string& name,
                    const std::vector<Json>& identities, OtherRuns other);

}  // namespace mambascope
