// A program for the tests: reads JSON Lines from standard input and prints, line by line, "ok "
// with what was read, in the form of the canonical export's records, or the fault.
#include <iostream>
#include <string>
#include <string_view>

#include "text/json_lines.h"
#include "text/json_writer.h"

namespace {

void AppendMember(std::string* out, std::string_view name, std::string_view text) {
  *out += '"';
  *out += name;
  *out += "\": ";
  unirust::text::AppendJsonString(out, text);
}

std::string Canonical(unirust::Write write) {
  unirust::Normalize(write.descriptors);
  std::string out = "{\"descriptors\": [";
  for (const unirust::Descriptor& d : write.descriptors) {
    out += out.back() == '[' ? "{" : ", {";
    AppendMember(&out, "attr", d.attribute);
    out += ", \"end\": " + std::to_string(d.interval.end);
    out += ", \"start\": " + std::to_string(d.interval.start) + ", ";
    AppendMember(&out, "value", d.value);
    out += '}';
  }
  out += "], ";
  AppendMember(&out, "id", RecordName(write.identity));
  out += ", \"retract\": ";
  out += write.retract ? "true" : "false";
  out += ", \"version\": " + (write.version ? std::to_string(*write.version) : "null") + "}";
  return out;
}

}  // namespace

int main() {
  unirust::text::JsonLinesReader reader;
  unirust::Write write;
  for (std::string line; std::getline(std::cin, line);) {
    const absl::Status status = reader.Parse(line, &write);
    std::cout << (status.ok() ? "ok " + Canonical(write) : std::string(status.message())) << '\n';
  }
  return 0;
}
