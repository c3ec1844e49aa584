// Listings that stop at a limit and go on later from a cursor, and the pairs and times that filter
// them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "cli/client.h"
#include "cli/output.h"
#include "model/time.h"

namespace unirust::cli {

// Splits "attribute=value" at the first '='. INVALID_ARGUMENT, a usage error, without one or without an attribute.
absl::StatusOr<proto::QueryDescriptor> ParsePair(const std::string& text);

// What `--from` and `--to` select; an absent one is unbounded. INVALID_ARGUMENT unless from < to.
absl::StatusOr<Interval> ParseInterval(std::optional<Instant> from, std::optional<Instant> to);

// A cursor as people copy it, and back. INVALID_ARGUMENT if `text` is not one.
std::string CursorText(const std::string& cursor);
absl::StatusOr<std::string> ParseCursor(const std::string& text);

// Says below a listing that stopped at its limit how to go on; as JSON {"type": "cursor", "cursor":
// "..."}.
void PrintCursor(const std::string& cursor, bool json, Output* out);

// Hands at most `limit` items (0: all) to `take`, chunk by chunk, beginning at `cursor_text`.
// Returns the cursor to go on from, empty if there is nothing more. With a limit, each page is a
// call of its own, as large as what is still wanted.
template <typename Request, typename Chunk>
absl::StatusOr<std::string> List(Client& client,
                                 std::unique_ptr<grpc::ClientReader<Chunk>> (Router::*method)(
                                     grpc::ClientContext*, const Request&),
                                 Request request, size_t limit, const std::string& cursor_text,
                                 const std::function<size_t(const Chunk&)>& take) {
  UNIRUST_ASSIGN_OR_RETURN(std::string cursor, ParseCursor(cursor_text));
  size_t left = limit;
  do {
    request.set_cursor(cursor);
    request.set_page_size(static_cast<uint32_t>(std::min(left, limits::kPageItemsDefault)));
    const std::function<absl::StatusOr<bool>(const Chunk&)> take_chunk = [&](const Chunk& chunk) {
      cursor = chunk.cursor();
      left -= std::min(left, take(chunk));
      return limit == 0;
    };
    UNIRUST_RETURN_IF_ERROR(client.Stream(method, request, take_chunk));
  } while (left > 0 && !cursor.empty());
  return cursor;
}

}  // namespace unirust::cli
