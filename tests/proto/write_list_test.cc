// Lists of writes are read as protobuf and the conversions of records.h would read them.
#include "proto/write_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "proto/records.h"

namespace unirust::proto {
namespace {

using ::testing::HasSubstr;

// Of a few letters, so that what is drawn is often equal.
class Draw {
 public:
  explicit Draw(unsigned seed) : random_(seed) {}
  uint64_t Below(uint64_t bound) { return random_() % bound; }
  std::string Text() { return std::string(Below(4), static_cast<char>('a' + Below(3))); }
  int64_t Time() {
    constexpr int64_t kTimes[] = {kMinTime, kMaxTime, -1, 0, 1, 127, 128, 20260101};
    return kTimes[Below(std::size(kTimes))];
  }
  RecordInput Input() {
    RecordInput input;
    if (Below(8) > 0) {
      input.mutable_identity()->set_entity_type(Text());
      input.mutable_identity()->set_perspective(Text());
      input.mutable_identity()->set_uid(Text());
    }
    for (uint64_t i = Below(4); i > 0; --i) {
      RecordDescriptor* descriptor = input.add_descriptors();
      descriptor->set_attr(Text());
      descriptor->set_value(Text());
      descriptor->set_start(Time());
      descriptor->set_end(Time());
    }
    if (Below(2) == 0) input.set_version(Time());
    if (Below(2) == 0) input.set_index(static_cast<uint32_t>(random_()));
    input.set_op(static_cast<WriteOp>(Below(10) == 0 ? 7 : Below(2)));
    return input;
  }
  // Of both kinds of lists: what only one kind has is unknown to the other.
  std::string Message() {
    IngestRecordsRequest request;
    for (uint64_t i = Below(4); i > 0; --i) *request.add_records() = Input();
    std::string bytes = request.SerializeAsString();
    for (uint64_t i = Below(3); i > 0 && !bytes.empty(); --i) Change(&bytes);
    return bytes;
  }

 private:
  void Change(std::string* bytes) {
    const size_t at = Below(bytes->size());
    switch (Below(3)) {
      case 0:
        (*bytes)[at] = static_cast<char>(random_());
        break;
      case 1:
        bytes->resize(at);
        break;
      default:
        *bytes += bytes->substr(at);  // fields that come twice, parts of them
    }
  }
  std::mt19937_64 random_;
};

void ExpectEqual(const Write& read, const Write& expected) {
  EXPECT_EQ(read.identity, expected.identity);
  EXPECT_EQ(read.version, expected.version);
  EXPECT_EQ(read.retract, expected.retract);
  EXPECT_EQ(read.descriptors, expected.descriptors);
}

// Whether there may be groups: protobuf skips those that it does not know.
bool MayHaveGroups(const std::string& bytes) {
  return std::any_of(bytes.begin(), bytes.end(), [](char c) { return (c & 7) == 3; });
}

TEST(WriteLists, AreReadAsProtobufReadsThem) {
  int sound = 0;
  for (unsigned seed = 0; seed < 20'000; ++seed) {
    Draw draw(seed);
    const std::string bytes = draw.Message();
    WriteList list;
    const auto read = ReadWriteList(bytes, ListOf::kInputs, &list);
    IngestRecordsRequest request;
    if (!request.ParsePartialFromString(bytes)) continue;  // what does not decode, or is not UTF-8
    if (!read && MayHaveGroups(bytes)) continue;
    ASSERT_TRUE(read.has_value()) << "seed " << seed;
    for (int i = 0; i < request.records_size(); ++i) {
      const auto expected = FromProto(request.records(i));
      const auto at = static_cast<size_t>(i);
      if (!expected.ok()) {
        EXPECT_THAT(std::string(read->message()),
                    HasSubstr(std::string(expected.status().message())))
            << "seed " << seed;
        EXPECT_EQ(list.indexes.size(), at + 1);
        break;
      }
      ASSERT_LT(at, list.writes.size()) << "seed " << seed << " " << *read;
      ExpectEqual(list.writes[at], *expected);
      EXPECT_EQ(list.indexes[at], request.records(i).index());
      ++sound;
    }
    const auto size = MeasureWriteList(bytes);
    ASSERT_TRUE(size.has_value());
    EXPECT_EQ(size->records, static_cast<size_t>(request.records_size()));
  }
  EXPECT_GT(sound, 5000);
}

TEST(WriteLists, ThatDoNotDecodeAreTold) {
  for (const char* bytes :
       {"\xFF", "\x0A", "\x0A\x05x", "\x0A\x02\x12\x05", "\x0A\x02\x1A\x07", "\x0B"}) {
    WriteList list;
    EXPECT_FALSE(ReadWriteList(bytes, ListOf::kInputs, &list).has_value()) << bytes;
  }
}

TEST(WriteLists, OfSnapshotsMeanTheSame) {
  RecordSnapshot snapshot;
  snapshot.set_record_id(7);
  snapshot.mutable_identity()->set_uid("1");
  snapshot.add_descriptors()->set_attr("a");
  snapshot.set_version(-3);
  snapshot.set_cluster_key("k");
  ImportRecordsRequest request;
  *request.add_records() = snapshot;
  *request.add_records() = RecordSnapshot();
  WriteList list;
  const auto read = ReadWriteList(request.SerializeAsString(), ListOf::kSnapshots, &list);
  ASSERT_TRUE(read.has_value() && read->ok());
  ASSERT_EQ(list.writes.size(), 2U);
  ExpectEqual(list.writes[0], FromProto(snapshot));
  ExpectEqual(list.writes[1], FromProto(RecordSnapshot()));
}

TEST(WriteLists, AreMeasuredByWhatTheyTake) {
  IngestRecordsRequest request;
  for (int n = 0; n < 3; ++n) request.add_records()->add_descriptors();
  const auto size = MeasureWriteList(request.SerializeAsString());
  ASSERT_TRUE(size.has_value());
  EXPECT_EQ(size->records, 3U);
  EXPECT_GE(size->bytes, 3 * (sizeof(Write) + sizeof(Descriptor)));
  EXPECT_LT(size->bytes, 3 * (sizeof(Write) + sizeof(Descriptor) + 10));
}

}  // namespace
}  // namespace unirust::proto
