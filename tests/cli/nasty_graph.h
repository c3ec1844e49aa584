// A small graph whose names, values and attributes hold everything that a format may trip over.
#pragma once

#include <string>
#include <vector>

#include "model/record.h"
#include "model/time.h"
#include "proto/unirust.pb.h"

namespace unirust::cli {

// Quotes, markup, DOT and CSV syntax, line ends, controls that XML forbids, noncharacters, emoji.
inline const std::vector<std::string>& NastyTexts() {
  static const auto* const kTexts = new std::vector<std::string>{
      "plain",
      "a \"quoted\" 'name'",
      "<script>alert(1)</script> & &amp; ]]>",
      "two\nlines\r\nand\ttab",
      "back\\slash \\n \\N \\",
      "semi;colon, comma",
      "slash/and%percent",
      "{curly} | [square] $HOME `id` #",
      "Zoë 東京 😀 \xF3\xA0\x81\xA7",
      std::string("control \x01\x1F\x7F end"),
      "noncharacters \xEF\xBF\xBE\xEF\xBF\xBF",
      std::string("zero\0byte", 9),
      "=cmd()",
  };
  return *kTexts;
}

inline proto::RecordSnapshot NastyRecord(const std::string& text) {
  proto::RecordSnapshot record;
  record.mutable_identity()->set_entity_type("thing");
  record.mutable_identity()->set_perspective("source");
  record.mutable_identity()->set_uid(text);
  proto::RecordDescriptor* descriptor = record.add_descriptors();
  descriptor->set_attr(text);
  descriptor->set_value(text);
  descriptor->set_start(kMinTime);
  descriptor->set_end(kMaxTime);
  return record;
}

inline std::string NastyName(const std::string& text) {
  return RecordName("thing", "source", text);
}

// A record for each text, all in the entity of the first, and an edge of each kind from the first
// to each other.
inline std::vector<proto::GraphItem> NastyGraph() {
  std::vector<proto::GraphItem> items;
  const std::string first = NastyName(NastyTexts().front());
  for (const std::string& text : NastyTexts())
    *items.emplace_back().mutable_record() = NastyRecord(text);

  proto::GraphEntity* entity = items.emplace_back().mutable_entity();
  entity->set_id(first);
  entity->set_entity_type("thing");
  for (const std::string& text : NastyTexts()) {
    entity->add_records(NastyName(text));
    proto::GoldenDescriptor* golden = entity->add_golden();
    golden->set_attr(text);
    golden->set_value(text);
    golden->set_start(-5);
    golden->set_end(7);
  }
  for (const std::string& text : NastyTexts()) {
    if (text == NastyTexts().front()) continue;
    proto::GraphItem conflict;
    conflict.mutable_conflict()->set_kind("direct");
    conflict.mutable_conflict()->set_attribute(text);
    conflict.mutable_conflict()->set_entity_type("thing");
    conflict.mutable_conflict()->set_start(kMinTime);
    conflict.mutable_conflict()->set_end(3);
    conflict.mutable_conflict()->add_values(text);
    conflict.add_conflict_nodes(first);
    conflict.add_conflict_nodes(NastyName(text));
    items.push_back(conflict);

    proto::GraphSameAs* edge = items.emplace_back().mutable_same_as();
    edge->set_source(first);
    edge->set_target(NastyName(text));
    edge->set_key(text);
    edge->add_values(text);
    edge->set_start(-5);
    edge->set_end(7);
  }
  return items;
}

}  // namespace unirust::cli
