#include "model/record.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/limits.h"
#include "base/status_macros.h"

namespace unirust {
namespace {

void AppendPart(std::string* out, std::string_view part) {
  const auto is_plain = [](char c) { return c != '%' && c != '/'; };
  while (!part.empty()) {
    const auto plain = static_cast<size_t>(
        std::find_if_not(part.begin(), part.end(), is_plain) - part.begin());
    out->append(part.substr(0, plain));
    if (plain == part.size()) return;
    out->append(part[plain] == '%' ? "%25" : "%2F");
    part.remove_prefix(plain + 1);
  }
}

// The inverse of AppendPart; false if AppendPart cannot have written `text`.
bool ParsePart(std::string_view text, std::string* part) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      part->push_back(text[i]);
      continue;
    }
    const std::string_view code = text.substr(i, 3);
    if (code != "%25" && code != "%2F") return false;
    part->push_back(code == "%25" ? '%' : '/');
    i += 2;
  }
  return !part->empty();
}

absl::Status Fault(const std::string& where, const std::string& what) {
  return absl::InvalidArgumentError(where + ": " + what);
}

absl::Status CheckText(const char* where, const std::string& text, size_t bytes_max,
                       bool empty_ok) {
  if (text.empty() && !empty_ok) return Fault(where, "must not be empty");
  if (text.size() > bytes_max) {
    return Fault(where, std::to_string(text.size()) + " bytes, at most " +
                            std::to_string(bytes_max) + " are allowed");
  }
  if (!IsUtf8(text)) return Fault(where, "not UTF-8");
  return absl::OkStatus();
}

absl::Status CheckDescriptor(const Descriptor& d) {
  UNIRUST_RETURN_IF_ERROR(CheckText("attr", d.attribute, limits::kAttributeBytesMax, false));
  UNIRUST_RETURN_IF_ERROR(CheckText("value", d.value, limits::kValueBytesMax, true));
  if (d.interval.start >= d.interval.end) {
    return Fault("end", std::to_string(d.interval.end) + " <= start " +
                            std::to_string(d.interval.start));
  }
  return absl::OkStatus();
}

}  // namespace

std::string RecordName(std::string_view entity_type, std::string_view perspective,
                       std::string_view uid) {
  std::string name;
  name.reserve(entity_type.size() + perspective.size() + uid.size() + 2);
  AppendRecordName(&name, entity_type, perspective, uid);
  return name;
}

void AppendRecordName(std::string* out, std::string_view entity_type, std::string_view perspective,
                      std::string_view uid) {
  AppendPart(out, entity_type);
  out->push_back('/');
  AppendPart(out, perspective);
  out->push_back('/');
  AppendPart(out, uid);
}

std::string RecordName(const Identity& identity) {
  return RecordName(identity.entity_type, identity.perspective, identity.uid);
}

absl::StatusOr<Identity> ParseRecordName(std::string_view name) {
  std::array<std::string, 3> parts;
  size_t used = 0;
  for (std::string_view rest = name; used < parts.size(); ++used) {
    const size_t slash = rest.find('/');
    const bool last = used + 1 == parts.size();
    if (last != (slash == std::string_view::npos)) break;
    if (!ParsePart(rest.substr(0, slash), &parts[used])) break;
    if (!last) rest.remove_prefix(slash + 1);
  }
  if (used < parts.size() || !IsUtf8(name)) {
    return absl::InvalidArgumentError(
        "'" + std::string(name) +
        "' is not a record name: type/perspective/uid is needed, with / inside a part written %2F "
        "and % written %25");
  }
  return Identity{std::move(parts[0]), std::move(parts[1]), std::move(parts[2])};
}

void Normalize(std::vector<Descriptor>& descriptors) {
  std::sort(descriptors.begin(), descriptors.end());
  size_t used = 0;
  for (size_t i = 0; i < descriptors.size(); ++i) {
    Descriptor* last = used > 0 ? &descriptors[used - 1] : nullptr;
    Descriptor& next = descriptors[i];
    if (last != nullptr && last->attribute == next.attribute && last->value == next.value &&
        next.interval.start <= last->interval.end) {
      last->interval.end = std::max(last->interval.end, next.interval.end);
    } else {
      if (used != i) descriptors[used] = std::move(next);
      ++used;
    }
  }
  descriptors.resize(used);
}

absl::Status Check(const Write& write) {
  using namespace limits;
  UNIRUST_RETURN_IF_ERROR(
      CheckText("entity_type", write.identity.entity_type, kIdentityPartBytesMax, false));
  UNIRUST_RETURN_IF_ERROR(
      CheckText("perspective", write.identity.perspective, kIdentityPartBytesMax, false));
  UNIRUST_RETURN_IF_ERROR(CheckText("uid", write.identity.uid, kIdentityPartBytesMax, false));
  if (write.descriptors.size() > kDescriptorsPerRecordMax) {
    return Fault("descriptors", std::to_string(write.descriptors.size()) + " of them, at most " +
                                    std::to_string(kDescriptorsPerRecordMax) + " are allowed");
  }
  for (size_t i = 0; i < write.descriptors.size(); ++i) {
    const absl::Status status = CheckDescriptor(write.descriptors[i]);
    if (!status.ok()) {
      return absl::InvalidArgumentError("descriptors[" + std::to_string(i) + "]." +
                                        std::string(status.message()));
    }
  }
  return absl::OkStatus();
}

bool IsUtf8(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

}  // namespace unirust
