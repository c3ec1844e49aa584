#include "resolve/cursor.h"

#include "base/bytes.h"
#include "base/hash.h"
#include "base/limits.h"

namespace unirust::resolve {
namespace {

constexpr uint8_t kCursorVersion = 2;

}  // namespace

// Version, lineage, hash of the listing, position, hash of all that.
std::string EncodeCursor(const Listing& listing, std::string_view position) {
  std::string out;
  AppendBig8(&out, kCursorVersion);
  AppendBig64(&out, listing.lineage.store);
  AppendBig64(&out, listing.lineage.history);
  AppendBig64(&out, Hash64(listing.name));
  AppendString(&out, position);
  AppendBig64(&out, Hash64(out));
  return out;
}

absl::StatusOr<std::string> DecodeCursor(const Listing& listing, std::string_view cursor) {
  if (cursor.empty()) return std::string();
  ByteReader in(cursor.substr(0, limits::kCursorBytesMax));
  const uint8_t version = in.Big8();
  const uint64_t of_store = in.Big64();
  const uint64_t of_history = in.Big64();
  const uint64_t of_listing = in.Big64();
  const std::string position(in.String());
  const std::string_view signed_part = cursor.substr(0, cursor.size() - in.rest().size());
  const uint64_t check = in.Big64();
  if (!in.done() || version != kCursorVersion || check != Hash64(signed_part) || position.empty() ||
      of_store != listing.lineage.store) {
    return absl::InvalidArgumentError("cursor: not one that this store gave");
  }
  if (of_listing != Hash64(listing.name)) {
    return absl::InvalidArgumentError(
        "cursor: of another listing or of other arguments; repeat the request that gave it");
  }
  if (of_history != listing.lineage.history) {
    return absl::FailedPreconditionError(
        "cursor: stale, the ontology was changed or the store reset; list from the beginning");
  }
  return position;
}

}  // namespace unirust::resolve
