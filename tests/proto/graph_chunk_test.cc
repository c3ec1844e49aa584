// What is written without messages against the messages of the contract, and read back.
#include "proto/graph_chunk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proto/answers.h"

namespace unirust::proto {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Interval kAlways{kMinTime, kMaxTime};
const std::string kLong(20'000, 'x');  // its length takes three bytes

const std::vector<DescriptorView> kDescriptors = {
    {"a", "", kAlways}, {"é", "value", {0, 5}}, {"b", kLong, {-3, 0}}, {"c", kLong, kAlways}};
const std::vector<std::string_view> kTexts = {"person/crm/1", "", kLong};

GraphRecord ARecord() {
  return {.id = RecordId(0xFFFFFFFF),
          .entity_type = "person",
          .perspective = "crm",
          .uid = "1",
          .version = -7,
          .entity_name = "person/crm/1",
          .descriptors = kDescriptors};
}

ExportGraphChunk Parsed(const ByteBuffer& bytes) {
  ExportGraphChunk chunk;
  EXPECT_TRUE(chunk.ParseFromString(std::string(bytes.view())));
  EXPECT_TRUE(chunk.SerializeAsString() == bytes.view()) << "other bytes for the same items";
  return chunk;
}

template <typename Descriptors>
void ExpectDescriptors(const Descriptors& got) {
  ASSERT_EQ(got.size(), 4);
  for (int i = 0; i < 4; ++i) {
    const DescriptorView& d = kDescriptors[static_cast<size_t>(i)];
    EXPECT_EQ(got[i].attr(), d.attribute);
    EXPECT_EQ(got[i].value(), d.value);
    EXPECT_EQ(got[i].start(), d.interval.start);
    EXPECT_EQ(got[i].end(), d.interval.end);
  }
}

TEST(GraphChunks, HoldRecords) {
  GraphChunkWriter writer;
  writer.Add(ARecord());
  writer.Add(GraphRecord{});
  const ExportGraphChunk chunk = Parsed(writer.Finish("cursor"));
  ASSERT_EQ(chunk.items_size(), 2);
  const RecordSnapshot& record = chunk.items(0).record();
  EXPECT_EQ(record.record_id(), 0xFFFFFFFF);
  EXPECT_EQ(record.identity().entity_type(), "person");
  EXPECT_EQ(record.identity().perspective(), "crm");
  EXPECT_EQ(record.identity().uid(), "1");
  EXPECT_EQ(record.version(), -7);
  EXPECT_EQ(record.cluster_key(), "person/crm/1");
  ExpectDescriptors(record.descriptors());
  EXPECT_TRUE(chunk.items(1).record().has_version()) << "always there in answers";
  EXPECT_EQ(chunk.cursor(), "cursor");
}

TEST(GraphChunks, HoldEntities) {
  GraphChunkWriter writer;
  writer.Add(unirust::GraphEntity{"person/crm/1", "person", kTexts, kDescriptors});
  const ExportGraphChunk chunk = Parsed(writer.Finish(""));
  const GraphEntity& entity = chunk.items(0).entity();
  EXPECT_EQ(entity.id(), "person/crm/1");
  EXPECT_EQ(entity.entity_type(), "person");
  EXPECT_THAT(entity.records(), ElementsAre("person/crm/1", "", kLong));
  ExpectDescriptors(entity.golden());
}

TEST(GraphChunks, HoldEdgesConflictsAndGenericValues) {
  GraphChunkWriter writer;
  writer.Add(unirust::GraphSameAs{"p/a/1", "p/b/1", "email", kTexts, {0, kMaxTime}});
  writer.Add(unirust::GraphSameAs{});
  Conflict conflict;
  conflict.records = {{"p", "a", "1"}, {"p", "b", "1"}};
  conflict.entity_type = "p";
  conflict.values = {kLong};
  writer.Add(conflict);
  writer.Add(Generic{"p", "city", {"x"}, 7});
  const ExportGraphChunk chunk = Parsed(writer.Finish(""));
  ASSERT_EQ(chunk.items_size(), 4);
  const GraphSameAs& edge = chunk.items(0).same_as();
  EXPECT_EQ(edge.source() + edge.target() + edge.key(), "p/a/1p/b/1email");
  EXPECT_THAT(edge.values(), ElementsAre("person/crm/1", "", kLong));
  EXPECT_EQ(edge.start(), 0);
  EXPECT_EQ(edge.end(), kMaxTime);
  EXPECT_THAT(chunk.items(2).conflict_nodes(), ElementsAre("p/a/1", "p/b/1"));
  EXPECT_EQ(chunk.items(3).generic().record_count(), 7U);
}

TEST(GraphChunks, CountTheBytesOfTheirItems) {
  GraphChunkWriter writer;
  size_t bytes = writer.Add(ARecord());
  bytes += writer.Add(Generic{"p", "city", {"x"}, 7});
  writer.Add(unirust::GraphEntity{"person/crm/1", "person", kTexts, kDescriptors});
  writer.TakeBack();
  const ByteBuffer chunk = writer.Finish("");
  EXPECT_EQ(chunk.size(), bytes);
  EXPECT_EQ(Parsed(chunk).items_size(), 2);
  EXPECT_THAT(writer.Finish("").view(), IsEmpty());
}

// What a message writes, as the reader sees it and writes it again.
std::string Copied(const std::string& bytes) {
  GraphChunkWriter copy;
  GraphItemReader reader;
  const bool sound = ForEachItem(bytes, [&](std::string_view item) {
    if (!reader.Read(item)) return false;
    if (reader.kind() == GraphItem::kRecord) copy.Add(reader.record());
    if (reader.kind() == GraphItem::kEntity) copy.Add(reader.entity());
    if (reader.kind() == GraphItem::kSameAs) copy.Add(reader.same_as());
    return true;
  });
  return sound ? std::string(copy.Finish("").view()) : "damaged";
}

std::string SomeItems() {
  GraphChunkWriter writer;
  writer.Add(ARecord());
  writer.Add(GraphRecord{});
  writer.Add(unirust::GraphEntity{"person/crm/1", "person", kTexts, kDescriptors});
  writer.Add(unirust::GraphEntity{});
  writer.Add(unirust::GraphSameAs{"p/a/1", "p/b/1", "email", kTexts, {0, 9}});
  return std::string(writer.Finish("").view());
}

TEST(GraphItems, AreReadAsTheyWereWritten) {
  const std::string bytes = SomeItems();
  EXPECT_TRUE(Copied(bytes) == bytes);
  GraphItem conflict;
  conflict.mutable_conflict()->set_kind("direct");
  GraphItemReader reader;
  EXPECT_TRUE(reader.Read(conflict.SerializeAsString()));
  EXPECT_EQ(reader.kind(), GraphItem::kConflict);
  EXPECT_TRUE(reader.Read(""));
  EXPECT_EQ(reader.kind(), GraphItem::ITEM_NOT_SET);
}

TEST(GraphItems, MayHoldFieldsThatAreNotKnown) {
  ExportGraphChunk chunk;
  ASSERT_TRUE(chunk.ParseFromString(SomeItems()));
  for (GraphItem& item : *chunk.mutable_items()) {
    if (!item.has_record()) continue;
    RecordSnapshot& unknown = *item.mutable_record();
    auto* fields = unknown.GetReflection()->MutableUnknownFields(&unknown);
    fields->AddVarint(999, 1);
    fields->AddFixed32(1000, 1);
    fields->AddFixed64(1001, 1);
    fields->AddLengthDelimited(1002, "x");
  }
  ASSERT_NE(chunk.SerializeAsString(), SomeItems());
  ExportGraphChunk known = chunk;
  known.DiscardUnknownFields();
  EXPECT_TRUE(Copied(chunk.SerializeAsString()) == known.SerializeAsString());
}

TEST(GraphItems, ThatAreCutOrMadeUpAreRefusedOrRead) {
  GraphChunkWriter writer;
  const std::vector<DescriptorView> few = {kDescriptors[0], kDescriptors[1]};
  GraphRecord record = ARecord();
  record.descriptors = few;
  writer.Add(record);
  const std::string bytes(writer.Finish("").view());
  for (size_t size = 1; size < bytes.size(); ++size) {
    EXPECT_EQ(Copied(bytes.substr(0, size)), "damaged") << size;
  }
  for (size_t i = 0; i < bytes.size(); ++i) {  // whatever it is, nothing beyond the bytes is read
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = bytes;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      Copied(flipped);
    }
  }
  EXPECT_EQ(Copied(std::string(11, '\xFF')), "damaged");
}

}  // namespace
}  // namespace unirust::proto
