// The commands. Each adds its options to `command`, and runs when the command line is read.
#pragma once

#include <CLI/CLI.hpp>

#include "mambascope/cli/common.h"

namespace mambascope {

void Info(CLI::App& command, CommonOptions& common);
void Predict(CLI::App& command, CommonOptions& common);
void Generate(CLI::App& command, CommonOptions& common);
void States(CLI::App& command, CommonOptions& common);
void Trace(CLI::App& command, CommonOptions& common);
void Paths(CLI::App& command, CommonOptions& common);
void Attention(CLI::App& command, CommonOptions& common);
void KnockoutCommand(CLI::App& command, CommonOptions& common);
void EditCommand(CLI::App& command, CommonOptions& common);  // Edit is the struct
void Apply(CLI::App& command, CommonOptions& common);
void MomentsCommand(CLI::App& command, CommonOptions& common);  // Moments is the struct
void LreCommand(CLI::App& command, CommonOptions& common);

}  // namespace mambascope
