// Describes the options of a run for result files.
#pragma once

#include <string>

#include "mambascope/cli/command.h"
#include "mambascope/jobs/run_description.h"

namespace mambascope {

// Returns the value of an option; null if it has none.
Json OptionValueJson(const OptionValue& value);

// Describes a run by the values of the command's options, the fingerprints of checkpoint and
// tokenizer, the version and the commit.
RunDescription DescribeRun(const std::string& name, Command& command);

// Does the same for one of several models, with `common` in place of the command's own.
RunDescription DescribeRun(const std::string& name, Command& command,
                           const CommonArguments& common);

// Describes what every run of a model depends on, without the command's own options.
RunDescription DescribeModel(const std::string& name, const CommonArguments& common);

}  // namespace mambascope
