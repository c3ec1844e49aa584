#include "cli/listing.h"

#include "absl/strings/escaping.h"
#include "cli/failure.h"
#include "cli/json_line.h"

namespace unirust::cli {
namespace {

absl::Status UsageError(const std::string& message) {
  return WithExitCode(absl::InvalidArgumentError(message), kExitUsage);
}

}  // namespace

absl::StatusOr<proto::QueryDescriptor> ParsePair(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    return UsageError("ATTR=VALUE is needed, not '" + text + "'");
  }
  proto::QueryDescriptor pair;
  pair.set_attr(text.substr(0, equals));
  pair.set_value(text.substr(equals + 1));
  return pair;
}

absl::StatusOr<Interval> ParseInterval(std::optional<Instant> from, std::optional<Instant> to) {
  const Interval interval{from.value_or(kMinTime), to.value_or(kMaxTime)};
  if (interval.start < interval.end) return interval;
  return UsageError("--from " + std::to_string(interval.start) + " is not before --to " +
                    std::to_string(interval.end));
}

std::string CursorText(const std::string& cursor) { return absl::BytesToHexString(cursor); }

absl::StatusOr<std::string> ParseCursor(const std::string& text) {
  const bool hex = text.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!hex || text.size() % 2 != 0) {
    return UsageError("--cursor: not a cursor that an earlier call printed");
  }
  return absl::HexStringToBytes(text);
}

void PrintCursor(const std::string& cursor, bool json, Output* out) {
  if (cursor.empty()) return;
  if (json) {
    out->Write(JsonLine().Text("type", "cursor").Text("cursor", CursorText(cursor)).Take() + "\n");
  } else {
    out->Write("There is more: --cursor " + CursorText(cursor) + "\n");
  }
}

}  // namespace unirust::cli
