#include "text/json_fields.h"

namespace unirust::text {
namespace {

// What a message shows of a value; bounded, whatever the value.
std::string Show(const JsonField& value) {
  if (!value) return "absent";
  if (value->is_object()) return "an object";
  if (value->is_array()) return "a list";
  std::string text = simdjson::minify(*value);
  constexpr size_t kShownBytesMax = 60;
  if (text.size() <= kShownBytesMax) return text;
  size_t end = kShownBytesMax;
  while ((static_cast<uint8_t>(text[end]) & 0xC0U) == 0x80U) --end;  // whole UTF-8 characters
  return text.substr(0, end) + "...";
}

}  // namespace

absl::Status WrongJson(std::string_view field, std::string_view needed, const JsonField& value) {
  std::string message(field);
  message += ": ";
  message += needed;
  return absl::InvalidArgumentError(message + " is needed, not " + Show(value));
}

absl::StatusOr<std::string_view> JsonText(std::string_view field, const JsonField& value,
                                          bool empty_allowed) {
  std::string_view text;
  const bool is_text = value && value->get_string().get(text) == simdjson::SUCCESS;
  if (is_text && (empty_allowed || !text.empty())) return text;
  return WrongJson(field, empty_allowed ? "a string" : "a non-empty string", value);
}

absl::StatusOr<int64_t> JsonInteger(std::string_view field, const simdjson::dom::element& value) {
  int64_t integer = 0;
  if (value.is_int64() && value.get_int64().get(integer) == simdjson::SUCCESS) return integer;
  return WrongJson(field, "a 64-bit integer", value);
}

}  // namespace unirust::text
