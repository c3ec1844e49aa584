// How a command fails: the status says what went wrong, from which come the exit code
// (base/exit_codes.h) and a hint.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/exit_codes.h"

namespace unirust::cli {

// `status` with an exit code that its own code does not tell; nothing is changed if it is OK.
absl::Status WithExitCode(absl::Status status, ExitCode exit_code);

// `status` with a sentence about what to do, printed below the message.
absl::Status WithHint(absl::Status status, std::string_view hint);

std::string HintOf(const absl::Status& status);  // empty: none

// Prints "unirust: <attempted>: <message>" and the hint to standard error; returns the exit code.
// `status` is not OK.
int Fail(std::string_view attempted, const absl::Status& status);

}  // namespace unirust::cli
