// Resumption cursors: where a listing goes on. Opaque to clients; valid for the same listing with the same arguments in
// any later state of the same store, until another ontology or a reset replaces what was listed. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "store/store.h"

namespace unirust::resolve {

struct Listing {
  store::Lineage lineage;
  std::string name;  // of the listing and its arguments
};

std::string EncodeCursor(const Listing& listing, std::string_view position);  // `position` is not empty

// The position; empty for an empty cursor. INVALID_ARGUMENT if the cursor is not of this store and listing;
// FAILED_PRECONDITION if it is stale: of an ontology before the present one, or from before a reset.
absl::StatusOr<std::string> DecodeCursor(const Listing& listing, std::string_view cursor);

}  // namespace unirust::resolve
