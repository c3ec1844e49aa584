// An engine on a temporary directory, short ways to write, and its whole content as text.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "model/answers.h"
#include "ontology/ontology.h"
#include "proto/graph_chunk.h"
#include "shard/engine.h"
#include "tests/store/temp_dir.h"

namespace unirust::shard {

inline constexpr Interval kAlways{kMinTime, kMaxTime};

// A person's record or its retraction.
inline Write Person(std::string perspective, std::string uid,
                    std::vector<Descriptor> descriptors = {},
                    std::optional<int64_t> version = std::nullopt) {
  return {.identity = {"person", std::move(perspective), std::move(uid)},
          .version = version,
          .retract = false,
          .descriptors = std::move(descriptors)};
}

inline Write Gone(std::string perspective, std::string uid,
                  std::optional<int64_t> version = std::nullopt) {
  Write write = Person(std::move(perspective), std::move(uid), {}, version);
  write.retract = true;
  return write;
}

inline Descriptor Email(const std::string& value, Interval interval = kAlways) {
  return {"email", value, interval};
}
inline Descriptor Tax(const std::string& value, Interval interval = kAlways) {
  return {"tax", value, interval};
}

// --- answers as text: everything but ids, which depend on arrival --------------------------------

inline std::string Text(const Descriptor& d) {
  return d.attribute + "=" + d.value + "[" + std::to_string(d.interval.start) + "," +
         std::to_string(d.interval.end) + ")";
}

inline std::string Text(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += text + ",";
  return "{" + out + "}";
}

inline std::string Text(const std::vector<Descriptor>& descriptors) {
  std::vector<std::string> texts;
  for (const Descriptor& d : descriptors) texts.push_back(Text(d));
  return Text(texts);
}

inline std::string Text(const Interval& i) {
  return std::to_string(i.start) + ".." + std::to_string(i.end);
}

inline std::string Text(const RecordView& r) {
  return "record " + RecordName(r.record.identity) + " v" + std::to_string(r.record.version) + " " +
         Text(r.record.descriptors);
}

inline std::string Text(const Conflict& c) {
  std::vector<std::string> records;
  for (const Identity& r : c.records) records.push_back(RecordName(r));
  return std::string("conflict ") + ConflictKindName(c.kind) + " " + c.cause + " " + c.attribute +
         " " + Text(c.interval) + " " + Text(c.values) + " " + Text(records) + " " +
         std::to_string(c.record_count) + " " + c.key + " " + Text(c.entities) + " " +
         std::to_string(c.entity_count);
}

inline std::string Text(const Match& m) {
  return "match " + m.entity.name + " " + Text(m.interval) + " " + Text(m.golden);
}

template <typename Descriptors>
std::string DescriptorsText(const Descriptors& descriptors) {
  std::vector<std::string> texts;
  for (const auto& d : descriptors) {
    texts.push_back(Text(Descriptor{d.attr(), d.value(), {d.start(), d.end()}}));
  }
  return Text(texts);
}

template <typename List>
std::string ListText(const List& list) {
  return Text(std::vector<std::string>(list.begin(), list.end()));
}

inline std::string Text(const proto::RecordSnapshot& r) {
  const auto& id = r.identity();
  return "record " + RecordName(id.entity_type(), id.perspective(), id.uid()) + " v" +
         std::to_string(r.version()) + " " + DescriptorsText(r.descriptors());
}

inline std::string Text(const proto::GraphEntity& e) {
  return "entity " + e.id() + " " + e.entity_type() + " " + ListText(e.records()) + " " +
         DescriptorsText(e.golden());
}

inline std::string Text(const proto::GraphSameAs& s) {
  return "same_as " + s.source() + " " + s.target() + " " + s.key() + " " + ListText(s.values()) +
         " " + Text(Interval{s.start(), s.end()});
}

inline std::string Text(const proto::GraphItem& item) {
  if (item.has_record()) return Text(item.record());
  if (item.has_entity()) return Text(item.entity());
  if (item.has_same_as()) return Text(item.same_as());
  return (item.has_conflict() ? "conflict " + item.conflict().kind() + " " : "") +
         item.ShortDebugString();
}

// A page of the graph as messages. What is sent is what these messages would write.
inline absl::StatusOr<Page<proto::GraphItem>> ExportGraph(const View& view,
                                                          const GraphFilter& filter,
                                                          size_t page_size,
                                                          std::string_view cursor) {
  proto::GraphChunkWriter writer;
  UNIRUST_ASSIGN_OR_RETURN(std::string next, view.ExportGraph(filter, page_size, cursor, &writer));
  const ByteBuffer bytes = writer.Finish(next);
  proto::ExportGraphChunk chunk;
  EXPECT_TRUE(chunk.ParseFromString(std::string(bytes.view())));
  EXPECT_EQ(chunk.SerializeAsString(), bytes.view());
  EXPECT_EQ(chunk.cursor(), next);
  return Page<proto::GraphItem>{{chunk.items().begin(), chunk.items().end()}, std::move(next)};
}

// All pages of a listing, in order: read(cursor) gives one.
template <typename Read>
std::vector<std::string> AllPages(const Read& read) {
  std::vector<std::string> out;
  std::string cursor;
  do {
    auto page = read(cursor);
    EXPECT_TRUE(page.ok()) << page.status();
    if (!page.ok()) break;
    for (const auto& item : page->items) out.push_back(Text(item));
    EXPECT_NE(page->cursor, cursor.empty() ? "x" : cursor) << "the listing stands still";
    cursor = page->cursor;
  } while (!cursor.empty());
  return out;
}

// The whole graph, sorted.
inline std::vector<std::string> Everything(const Engine& engine, size_t page_size = 0) {
  const View view = engine.Read();
  std::vector<std::string> out =
      AllPages([&](const std::string& c) { return ExportGraph(view, {}, page_size, c); });
  std::sort(out.begin(), out.end());
  return out;
}

class EngineTest : public ::testing::Test {
 protected:
  EngineTest() {
    options_.data_dir = temp_.path() + "/data";
    options_.memory_budget_bytes = 64U << 20U;
    Reopen();
  }

  void Reopen() {
    engine_.reset();
    auto opened = Engine::Open(options_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    engine_ = *std::move(opened);
  }

  void SetOntology(std::string_view json) {
    const absl::Status status = engine_->SetOntology(ontology::ParseOntology(json).value());
    ASSERT_TRUE(status.ok()) << status;
  }

  std::vector<Assignment> Ingest(std::vector<Write> writes) {
    auto assignments = engine_->Ingest(std::move(writes));
    EXPECT_TRUE(assignments.ok()) << assignments.status();
    return assignments.ok() ? *std::move(assignments) : std::vector<Assignment>();
  }
  Assignment IngestOne(Write write) { return Ingest({std::move(write)}).at(0); }

  std::string EntityName(const std::string& perspective, const std::string& uid) {
    const auto entity = engine_->Read().GetEntity({"person", perspective, uid}, std::nullopt);
    return entity.ok() ? entity->ref.name : std::string(entity.status().message());
  }
  uint64_t Records() { return engine_->Read().GetStats()->records; }

  store::TempDir temp_;
  EngineOptions options_;
  std::unique_ptr<Engine> engine_;
};

// Two records of one e-mail address are one entity; a tax number tells persons apart.
inline constexpr char kByEmail[] = R"({
  "identity_keys": [{"name": "by_email", "attributes": ["email"]}],
  "strong_identifiers": [{"attribute": "tax", "scope": "global"}]})";

}  // namespace unirust::shard
