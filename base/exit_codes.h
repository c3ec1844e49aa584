// Exit codes of the programs. docs/operations.md explains each.
#pragma once

namespace unirust {

enum ExitCode : int {
  kExitOk = 0,
  kExitFailure = 1,       // the operation failed; the message says why
  kExitUsage = 2,         // unknown flag, missing argument, malformed configuration
  kExitInput = 3,         // refused input: bad lines, an ontology with faults
  kExitUnavailable = 4,   // a daemon cannot be reached, or the data directory is in use by another process
  kExitDataDir = 5,       // the data directory is of another shard or format, or not writable
  kExitDataLoss = 6,      // stored bytes are damaged
  kExitStorage = 7,       // a write to the data directory failed (disk full, I/O error): the process stopped at once
};

}  // namespace unirust
