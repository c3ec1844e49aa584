// What the commands' flags have in common. For flags.cc, flags_access.cc and flags_bench.cc.
#pragma once

#include <functional>
#include <string>

#include "cli/command_texts.h"
#include "cli/flags.h"

namespace CLI {
class App;
}

namespace unirust::cli {

// A subcommand with its texts; without flags yet.
CLI::App* NewCommand(CLI::App* parent, const CommandText& text);

void AddJson(CLI::App* command, bool* json);
void AddProgress(CLI::App* command, bool* progress, bool* quiet, const std::string& quiet_help);

// `token` and `audit`; the one that is asked for is given to `choose`.
void AddAccessCommands(CLI::App* app, const std::function<void(Command)>& choose);

// `bench` with all its subcommands; the one that is asked for is given to `choose`.
void AddBenchCommands(CLI::App* app, std::function<void(Command)> choose);

}  // namespace unirust::cli
