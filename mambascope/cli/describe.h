// What result files say of options.
#pragma once

#include <string>

#include "mambascope/cli/command.h"
#include "mambascope/jobs/run_description.h"

namespace mambascope {

// The value of an option; null where it has none.
Json OptionValueJson(const OptionValue& value);

// The command's options as they are set, with the fingerprints of checkpoint and tokenizer, version
// and commit.
RunDescription DescribeRun(const std::string& name, Command& command);

// The same for one of several models: `common` in place of the command's own.
RunDescription DescribeRun(const std::string& name, Command& command,
                           const CommonArguments& common);

// What every run of a model depends on, without the command's own options.
RunDescription DescribeModel(const std::string& name, const CommonArguments& common);

}  // namespace mambascope
