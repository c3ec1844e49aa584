#include "cli/failure.h"

#include <cstdio>

#include "absl/strings/cord.h"
#include "cli/display.h"

namespace unirust::cli {
namespace {

constexpr char kExitCodePayload[] = "unirust/exit-code";
constexpr char kHintPayload[] = "unirust/hint";

int ExitCodeOf(const absl::Status& status) {
  if (const auto payload = status.GetPayload(kExitCodePayload)) {
    return std::string(*payload)[0];
  }
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
      return kExitInput;
    case absl::StatusCode::kUnavailable:
      return kExitUnavailable;
    case absl::StatusCode::kDataLoss:
      return kExitDataLoss;
    default:
      return kExitFailure;
  }
}

}  // namespace

absl::Status WithExitCode(absl::Status status, ExitCode exit_code) {
  if (!status.ok()) {
    status.SetPayload(kExitCodePayload, absl::Cord(std::string(1, static_cast<char>(exit_code))));
  }
  return status;
}

absl::Status WithHint(absl::Status status, std::string_view hint) {
  if (!status.ok()) status.SetPayload(kHintPayload, absl::Cord(std::string(hint)));
  return status;
}

std::string HintOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kHintPayload);
  return payload ? std::string(*payload) : "";
}

int Fail(std::string_view attempted, const absl::Status& status) {
  const std::string message(status.message());
  std::fprintf(stderr, "unirust: %s: %s\n", std::string(attempted).c_str(),
               Printable(message).c_str());
  const std::string hint = HintOf(status);
  if (!hint.empty()) std::fprintf(stderr, "  %s\n", hint.c_str());
  return ExitCodeOf(status);
}

}  // namespace unirust::cli
