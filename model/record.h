// Records (semantics.md, 2): what one source says of one uid. Pure values, with their checks and names.
//
//   Write w{.identity = {"person", "crm", "42"}, .descriptors = {{"email", "a@x.org", {}}}};
//   UNIRUST_RETURN_IF_ERROR(Check(w));
//   Normalize(w.descriptors);            // canonical order, coalesced
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/time.h"

namespace unirust {

// Three non-empty UTF-8 strings. The default order is the canonical order of records.
struct Identity {
  std::string entity_type;
  std::string perspective;
  std::string uid;
  friend auto operator<=>(const Identity&, const Identity&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Identity& i) {
    return H::combine(std::move(h), i.entity_type, i.perspective, i.uid);
  }
};

// `type/perspective/uid`, with `%` and `/` inside a part written `%25` and `%2F`.
std::string RecordName(const Identity& identity);
std::string RecordName(std::string_view entity_type, std::string_view perspective,
                       std::string_view uid);
void AppendRecordName(std::string* out, std::string_view entity_type, std::string_view perspective,
                      std::string_view uid);

// The inverse of RecordName. INVALID_ARGUMENT unless `name` is exactly what RecordName gives for some identity.
absl::StatusOr<Identity> ParseRecordName(std::string_view name);

// One value of one attribute over one interval. The default order is canonical: attribute, value, interval, bytewise.
struct Descriptor {
  std::string attribute;
  std::string value;
  Interval interval;
  friend auto operator<=>(const Descriptor&, const Descriptor&) = default;
};

// Sorts into canonical order and coalesces the intervals of equal attribute and value.
void Normalize(std::vector<Descriptor>& descriptors);

// A record as the store holds it. `descriptors` are normalized.
struct Record {
  Identity identity;
  int64_t version = 0;
  std::vector<Descriptor> descriptors;
};

// One write or retraction of an identity.
struct Write {
  Identity identity;
  std::optional<int64_t> version;  // absent: the stored version, or 0 where the identity is unknown
  bool retract = false;            // descriptors are checked all the same, then ignored
  std::vector<Descriptor> descriptors;
};

// Checks everything about a write that does not depend on the ontology: parts of the identity present, UTF-8, start <
// end, attributes not empty, and the limits of base/limits.h. INVALID_ARGUMENT names the field, e.g.
// "descriptors[3].end: 5 <= start 7".
absl::Status Check(const Write& write);

// True if `text` is well-formed UTF-8 (no surrogates, no overlong forms, at most U+10FFFF).
bool IsUtf8(std::string_view text);

}  // namespace unirust
