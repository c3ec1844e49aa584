// Resumption cursors: where a listing goes on. Opaque to clients; valid in any later state of the
// same store, for the same listing with the same arguments. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace unirust::resolve {

// `listing` names the listing and its arguments; `position` is not empty.
std::string EncodeCursor(std::string_view listing, std::string_view position);

// The position; empty for an empty cursor. INVALID_ARGUMENT if the cursor is not of this listing.
absl::StatusOr<std::string> DecodeCursor(std::string_view listing, std::string_view cursor);

}  // namespace unirust::resolve
