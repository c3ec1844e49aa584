// Checked access to the members of parsed JSON objects, with messages that name the field. Private
// to text/: the only header that shows simdjson's types.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace unirust::text {

// A member that may be absent.
using JsonField = std::optional<simdjson::dom::element>;

// INVALID_ARGUMENT "<field>: <needed> is needed, not <the value>".
absl::Status WrongJson(std::string_view field, std::string_view needed, const JsonField& value);

// The string, which is valid until the parser is used again.
absl::StatusOr<std::string_view> JsonText(std::string_view field, const JsonField& value,
                                          bool empty_allowed = false);

absl::StatusOr<int64_t> JsonInteger(std::string_view field, const simdjson::dom::element& value);

}  // namespace unirust::text
