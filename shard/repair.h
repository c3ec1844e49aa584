// A new data directory from one that is refused because acknowledged commits are missing
// (store/repair.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/loss.h"
#include "shard/engine.h"

namespace unirust::shard {

// What options.data_dir has lost; none if it is whole. Unless `into` is empty, the data directory
// `into` is made of what is left, if `accept` agrees: its error is returned, and nothing is made.
// Other errors: store::Repair::Begin, Into and Engine::Rebuild. Cost: reads all logs, several
// times; if rows must be made anew, as Engine::Rebuild.
absl::StatusOr<std::optional<Loss>> Repair(
    const EngineOptions& options, const std::string& into,
    absl::FunctionRef<absl::Status(const Loss& loss)> accept);

// What was given up for a data directory in earlier repairs, a sentence each.
std::vector<std::string> Losses(const std::string& data_dir);

}  // namespace unirust::shard
