#include "store/rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "tests/base/generators.h"
#include "tests/model/generators.h"
#include "tests/store/hex.h"

namespace unirust::store {
namespace {

using gen::AnyInteger;
using gen::AnyInterval;
using gen::NastyBytes;

// --- golden bytes: the examples of docs/key-encoding.md ------------------------------------------

const RecordId kRecord(0x00C00005);  // slot 3, position 5

RecordRow SomeRecord() {
  return {.entity_type = SymbolId(1),
          .perspective = SymbolId(2),
          .uid = "42",
          .version = 3,
          .retracted = false,
          .successor = {},
          .descriptors = {{SymbolId(4), "a", {kMinTime, kMaxTime}}, {SymbolId(4), "b", {-1, 4}}}};
}

TEST(Rows, HaveTheseBytes) {
  EXPECT_EQ(ToHex(SomeRecord().Encode()), WithoutSpaces("01 02 02 3432 06 00 02"
                                                        "04 01 61 03"
                                                        "04 01 62 00 01 05"));
  RecordRow retracted = SomeRecord();
  retracted.retracted = true;
  retracted.successor = RecordId(200);
  EXPECT_EQ(ToHex(retracted.Encode()), WithoutSpaces("01 02 02 3432 06 01 c801"));
  EXPECT_EQ(ToHex(RecordRow::Erased().Encode()), "00");
  EXPECT_EQ(ToHex(NameRow{.up_level = 1, .up = HandleOf(1027), .parts = {}}.Encode()),
            WithoutSpaces("01 00e0000000000001"));
  const NameRow crowded{
      .up_level = 0, .up = {}, .parts = {{2, HandleOf(2)}}, .touches = 3, .conflicts = true};
  EXPECT_EQ(ToHex(crowded.Encode()), WithoutSpaces("00 03 01 01 02 00a0000000000000"));
  const BlockRow block{.level = 1,
                       .first = {kRecord, SymbolId(2), "42"},
                       .records = 2,
                       .kids = {NameOf(kRecord), HandleOf(1)},
                       .strong = {{{0, SymbolId(2), {0, 5}, {"7"}}, 3}}};
  EXPECT_EQ(ToHex(block.Encode()), WithoutSpaces("62 01 85808006 02 02 3432 02"
                                                 "02 00c0000000000005 0060000000000000"
                                                 "01 00 02 00 00 05 01 01 37 03"));
  EXPECT_EQ(ToHex(PartRow{.level = 2, .blocks = {HandleOf(1)}}.Encode()),
            WithoutSpaces("70 02 01 0060000000000000"));
  GroupRow group;
  group.pieces = {{{0, kMaxTime}, kRecord}};
  EXPECT_EQ(ToHex(group.Encode()), WithoutSpaces("00 01 00c00005 02 00 00"));
  group = {.values = {"v"},
           .pieces = {},
           .large = false,
           .large_pieces = 0,
           .large_records = 0,
           .divided = true,
           .edges = 1,
           .followed = false,
           .node_touches = {HandleOf(1)},
           .entity_touches = {}};
  EXPECT_EQ(ToHex(group.Encode()), WithoutSpaces("07 00 01 01 0060000000000000 00 01 01 76"));
  GroupRow large;
  large.large = true;
  large.large_pieces = 200;
  large.large_records = 3;
  EXPECT_EQ(ToHex(large.Encode()), WithoutSpaces("08 c801 03 00"));
  large.divided = large.followed = true;
  EXPECT_EQ(ToHex(large.Encode()), WithoutSpaces("19 c801 03 00"));
  EXPECT_EQ(ToHex(RunRow{5, 2}.Encode()), WithoutSpaces("8000000000000005 02"));
  BlockRow hot;
  hot.level = 1;
  hot.first = {kRecord, SymbolId(2), "42"};
  hot.records = 200;
  hot.large = true;
  hot.large_kids = 200;
  EXPECT_EQ(ToHex(hot.Encode()), WithoutSpaces("42 01 85808006 02 02 3432 c801 c801 00"));
}

TEST(Rows, OfConflictsAndMetaHaveTheseBytes) {
  EXPECT_EQ(ToHex(AttributeValueRow{SymbolId(1), SymbolId(2)}.Encode()), "0102");
  const ConflictRow conflict{.voice = std::nullopt,
                             .entity_type = "p",
                             .records = {{"p", "c", "1"}},
                             .record_count = 1,
                             .key = "k",
                             .values = {"v"},
                             .entities = {"p/c/1"},
                             .entity_count = 2};
  EXPECT_EQ(ToHex(conflict.Encode()),
            WithoutSpaces("00 01 70 01 01 63 01 31 01 01 6b 01 01 76 01 05 702f632f31 02"));
  ConflictRow of_large;
  of_large.voice = {HandleOf(1027), SymbolId(4), SymbolId()};
  of_large.entity_type = "p";
  EXPECT_EQ(ToHex(of_large.Encode()), WithoutSpaces("01 01 70 00e0000000000001 00000004 00000000"));
  EXPECT_EQ(ToHex(HeldValueRow{2, ""}.Encode()), "0200");
  const FirstRecord first{RecordId(5), SymbolId(2), "42"};
  const StretchRow stretch{.end = 5,
                           .values = 2,
                           .steps = 2,
                           .records = 3,
                           .first = first,
                           .last_listed = first,
                           .listed = 1};
  EXPECT_EQ(ToHex(stretch.Encode()),
            WithoutSpaces("8000000000000005 02 02 03 01 05 02 023432 05 02 023432"));
  EXPECT_EQ(ToHex(FirstRecordsRow{{first}}.Encode()), WithoutSpaces("01 05 02 023432"));
  EXPECT_EQ(ToHex(DisputedEntitiesRow{2, 3, {first}, {first}}.Encode()),
            WithoutSpaces("02 03 01 05 02 023432 01 05 02 023432"));
  EXPECT_EQ(ToHex(ConflictOwnerRow{{"xy"}, 3}.Encode()), WithoutSpaces("01 02 7879 03"));
  EXPECT_EQ(ToHex(RetentionRow{-1}.Encode()), "7fffffffffffffff");
  EXPECT_EQ(ToHex(ErasuresRow{{2, 3, 4, 1}}.Encode()),
            WithoutSpaces("0000000000000002 8000000000000003 8000000000000004 8000000000000001"));
  EXPECT_EQ(ToHex(CountersRow{1, 2, 3, 4, 5, 200}.Encode()), WithoutSpaces("01 02 03 04 05 c801"));
}

// --- generators ----------------------------------------------------------------------------------

template <typename Make>
auto Several(const Make& make) {
  std::vector<decltype(make())> out(*rc::gen::inRange<size_t>(0, 5));
  for (auto& element : out) element = make();
  return out;
}

SymbolId AnySymbol() { return SymbolId(*AnyInteger<uint32_t>()); }
BlockName AnyName() { return BlockName(*AnyInteger<uint64_t>()); }
std::string AnyText() { return *NastyBytes(); }

RecordRow AnyRecordRow() {
  RecordRow row;
  row.entity_type = AnySymbol();
  if (row.erased()) return RecordRow::Erased();
  row.perspective = AnySymbol();
  row.uid = AnyText();
  row.version = *AnyInteger<int64_t>();
  row.retracted = *rc::gen::arbitrary<bool>();
  if (row.retracted) {
    row.successor = RecordId(*AnyInteger<uint32_t>());
  } else {
    row.descriptors = Several([] {
      return StoredDescriptor{AnySymbol(), AnyText(), *AnyInterval()};
    });
  }
  return row;
}

NameRow AnyNameRow() {
  NameRow row;
  row.up_level = *AnyInteger<uint16_t>();
  if (row.up_level != 0) row.up = AnyName();
  row.parts = Several([] { return NameRow::InPart{*AnyInteger<uint16_t>(), AnyName()}; });
  row.touches = *AnyInteger<uint32_t>();
  row.conflicts = *rc::gen::arbitrary<bool>();
  return row;
}

FirstRecord AnyFirstRecord() {
  return {RecordId(*AnyInteger<uint32_t>()), AnySymbol(), AnyText()};
}

BlockRow AnyBlockRow() {
  BlockRow row;
  row.level = *AnyInteger<uint16_t>();
  row.first = AnyFirstRecord();
  row.records = *AnyInteger<uint64_t>();
  row.large = *rc::gen::arbitrary<bool>();
  if (row.large) {
    row.large_kids = *AnyInteger<uint64_t>();
  } else {
    row.kids = Several(AnyName);
  }
  row.strong = Several([] {
    StrongRow strong{*AnyInteger<uint16_t>(), AnySymbol(), *AnyInterval(), Several(AnyText)};
    strong.values.push_back(AnyText());
    return store::CountedStrongRow{std::move(strong), *AnyInteger<uint64_t>()};
  });
  return row;
}

PartRow AnyPartRow() { return {*AnyInteger<uint16_t>(), Several(AnyName)}; }

GroupRow AnyGroupRow() {
  GroupRow row;
  row.values = Several(AnyText);
  row.large = *rc::gen::arbitrary<bool>();
  if (row.large) {
    row.large_pieces = *AnyInteger<uint64_t>();
    row.large_records = *AnyInteger<uint64_t>();
  } else {
    row.pieces = Several([] { return Piece{*AnyInterval(), RecordId(*AnyInteger<uint32_t>())}; });
  }
  row.divided = *rc::gen::arbitrary<bool>();
  row.followed = *rc::gen::arbitrary<bool>();
  row.edges = *AnyInteger<uint64_t>();
  row.node_touches = Several(AnyName);
  row.entity_touches = Several(AnyName);
  return row;
}

ConflictRow AnyConflictRow() {
  ConflictRow row;
  row.entity_type = AnyText();
  if (*rc::gen::inRange(0, 3) == 0) {
    row.voice = {AnyName(), AnySymbol(), AnySymbol()};
    return row;
  }
  row.records = Several([&] { return Identity{row.entity_type, AnyText(), AnyText()}; });
  row.record_count = *AnyInteger<uint64_t>();
  row.key = AnyText();
  row.values = Several(AnyText);
  row.entities = Several(AnyText);
  row.entity_count = *AnyInteger<uint64_t>();
  return row;
}

StretchRow AnyStretchRow() {
  StretchRow row;
  row.end = *AnyInteger<Instant>();
  row.values = *rc::gen::inRange<uint64_t>(1, 9);
  row.steps = *AnyInteger<uint64_t>();
  row.listed = *rc::gen::inRange<uint32_t>(1, 9);
  row.records = row.listed + *rc::gen::inRange<uint64_t>(0, 9);
  row.first = AnyFirstRecord();
  row.last_listed = AnyFirstRecord();
  return row;
}

FirstRecordsRow AnyFirstRecordsRow() {
  FirstRecordsRow row{Several(AnyFirstRecord)};
  row.records.push_back(AnyFirstRecord());
  return row;
}

DisputedEntitiesRow AnyDisputedEntitiesRow() {
  DisputedEntitiesRow row{.entities = 0,
                          .records = 0,
                          .first_entities = AnyFirstRecordsRow().records,
                          .first_records = AnyFirstRecordsRow().records};
  row.entities = row.first_entities.size() + *rc::gen::inRange<uint64_t>(0, 9);
  row.records = row.first_records.size() + *rc::gen::inRange<uint64_t>(0, 9);
  return row;
}

CountersRow AnyCountersRow() {
  CountersRow row;
  for (uint64_t* n : {&row.records, &row.entities, &row.conflicts, &row.same_as,
                      &row.conflicts_with, &row.handles}) {
    *n = *AnyInteger<uint64_t>();
  }
  return row;
}

// --- round trips ---------------------------------------------------------------------------------

// Comes back as it was, also into a row that held something else; no proper prefix and no longer
// text decodes.
template <typename Row>
void CheckCodec(const Row& row, Row used) {
  const std::string bytes = row.Encode();
  RC_ASSERT(Row::Decode(bytes, &used));
  RC_ASSERT(used.Encode() == bytes);
  RC_ASSERT(!Row::Decode(bytes + '\0', &used));
  for (size_t length = 0; length < bytes.size(); ++length) {
    RC_ASSERT(!Row::Decode(std::string_view(bytes).substr(0, length), &used));
  }
}

template <typename Row>
Row Decoded(const Row& row) {
  Row out;
  RC_ASSERT(Row::Decode(row.Encode(), &out));
  return out;
}

RC_GTEST_PROP(RecordRow, ComesBack, ()) {
  const RecordRow row = AnyRecordRow();
  CheckCodec(row, AnyRecordRow());
  const RecordRow back = Decoded(row);
  RC_ASSERT(back.uid == row.uid);
  RC_ASSERT(back.version == row.version);
  RC_ASSERT(back.retracted == row.retracted);
  RC_ASSERT(back.successor == row.successor);
  RC_ASSERT(back.descriptors == row.descriptors);
}

RC_GTEST_PROP(BlockRow, ComesBack, ()) {
  const BlockRow row = AnyBlockRow();
  CheckCodec(row, AnyBlockRow());
  RC_ASSERT(Decoded(row) == row);
}

RC_GTEST_PROP(PartRow, ComesBack, ()) {
  const PartRow row = AnyPartRow();
  CheckCodec(row, AnyPartRow());
  RC_ASSERT(Decoded(row) == row);
}

RC_GTEST_PROP(GroupRow, ComesBack, ()) {
  const GroupRow row = AnyGroupRow();
  CheckCodec(row, AnyGroupRow());
  RC_ASSERT(Decoded(row) == row);
}

RC_GTEST_PROP(ConflictRow, ComesBack, ()) {
  const ConflictRow row = AnyConflictRow();
  CheckCodec(row, AnyConflictRow());
  const ConflictRow back = Decoded(row);
  RC_ASSERT(back.voice == row.voice);
  RC_ASSERT(back.records == row.records);
  RC_ASSERT(back.entity_count == row.entity_count);
}

RC_GTEST_PROP(HeldValueRow, ComesBack, ()) {
  const HeldValueRow row{1 + *rc::gen::inRange<uint64_t>(0, 1000), AnyText()};
  CheckCodec(row, {7, "used"});
}

RC_GTEST_PROP(RunRow, ComesBack, ()) {
  CheckCodec(RunRow{*AnyInteger<Instant>(), 1 + *rc::gen::inRange<uint64_t>(0, 1000)}, {7, 8});
}

RC_GTEST_PROP(StretchRow, ComesBack, ()) {
  const StretchRow row = AnyStretchRow();
  CheckCodec(row, AnyStretchRow());
  RC_ASSERT(Decoded(row) == row);
}

RC_GTEST_PROP(FirstRecordsRow, ComesBack, ()) {
  const FirstRecordsRow row = AnyFirstRecordsRow();
  CheckCodec(row, AnyFirstRecordsRow());
  RC_ASSERT(Decoded(row).records == row.records);
}

RC_GTEST_PROP(DisputedNodesRow, ComesBack, ()) {
  CheckCodec(DisputedNodesRow{1 + *rc::gen::inRange<uint64_t>(0, 1000)}, {7});
}

RC_GTEST_PROP(DisputedEntitiesRow, ComesBack, ()) {
  const DisputedEntitiesRow row = AnyDisputedEntitiesRow();
  CheckCodec(row, AnyDisputedEntitiesRow());
  RC_ASSERT(Decoded(row) == row);
}

RC_GTEST_PROP(ConflictOwnerRow, ComesBack, ()) {
  CheckCodec(ConflictOwnerRow{Several(AnyText), *AnyInteger<uint64_t>()}, {{"used"}, 1});
}

RC_GTEST_PROP(ErasuresRow, ComesBack, ()) {
  CheckCodec(ErasuresRow{{*AnyInteger<uint64_t>(), *AnyInteger<int64_t>(),
                          *AnyInteger<int64_t>(), *AnyInteger<int64_t>()}},
             {7, 31});
}

RC_GTEST_PROP(RetentionRow, ComesBack, ()) {
  CheckCodec(RetentionRow{*AnyInteger<int64_t>()}, {7});
}

RC_GTEST_PROP(CountersRow, ComesBack, ()) { CheckCodec(AnyCountersRow(), AnyCountersRow()); }

// The one row with an optional tail: cut before it, it is the row without it.
RC_GTEST_PROP(NameRow, ComesBackAndIsRefusedWhenCutElsewhereThanBeforeItsTail, ()) {
  const NameRow row = AnyNameRow();
  RC_ASSERT(Decoded(row) == row);
  const std::string bytes = row.Encode();
  const NameRow head{.up_level = row.up_level, .up = row.up, .parts = {}};
  NameRow out;
  for (size_t length = 0; length < bytes.size(); ++length) {
    const bool decoded = NameRow::Decode(std::string_view(bytes).substr(0, length), &out);
    RC_ASSERT(decoded == (length == head.Encode().size()));
    if (decoded) RC_ASSERT(out == head);
  }
  RC_ASSERT(head.Encode().size() == bytes.size() || !NameRow::Decode(bytes + '\0', &out));
}

RC_GTEST_PROP(AttributeValueRow, ComesBack, ()) {
  const AttributeValueRow row{AnySymbol(), AnySymbol()};
  const std::string bytes = row.Encode();
  AttributeValueRow out;
  RC_ASSERT(AttributeValueRow::Decode(bytes, &out));
  RC_ASSERT(out.entity_type == row.entity_type);
  RC_ASSERT(out.perspective == row.perspective);
  for (size_t length = 0; length < bytes.size(); ++length) {
    RC_ASSERT(!AttributeValueRow::Decode(std::string_view(bytes).substr(0, length), &out));
  }
}

TEST(StrongRow, IsOrderedByIdentifierDomainTimeAndValues) {
  const std::vector<StrongRow> sorted = {{0, SymbolId(0), {0, 1}, {"b"}},
                                         {0, SymbolId(1), {0, 1}, {"a"}},
                                         {0, SymbolId(1), {0, 2}, {"a"}},
                                         {0, SymbolId(1), {0, 2}, {"a", "b"}},
                                         {1, SymbolId(0), {-5, 0}, {"a"}}};
  EXPECT_TRUE(std::is_sorted(sorted.begin(), sorted.end()));
  EXPECT_FALSE(sorted[0] == sorted[1]);
}

// --- malformed rows ------------------------------------------------------------------------------

// Never reads past the input nor asks for more memory than it justifies; what decodes is what Encode
// writes.
template <typename Row>
void CheckRandomBytes(const std::string& bytes) {
  Row row;
  if (Row::Decode(bytes, &row)) RC_ASSERT(row.Encode() == bytes);
}

void CheckAll(const std::string& bytes) {
  CheckRandomBytes<RecordRow>(bytes);
  CheckRandomBytes<NameRow>(bytes);
  CheckRandomBytes<BlockRow>(bytes);
  CheckRandomBytes<PartRow>(bytes);
  CheckRandomBytes<GroupRow>(bytes);
  CheckRandomBytes<ConflictRow>(bytes);
  CheckRandomBytes<ConflictOwnerRow>(bytes);
  CheckRandomBytes<CountersRow>(bytes);
  CheckRandomBytes<RetentionRow>(bytes);
  CheckRandomBytes<ErasuresRow>(bytes);
  CheckRandomBytes<HeldValueRow>(bytes);
  CheckRandomBytes<StretchRow>(bytes);
  CheckRandomBytes<RunRow>(bytes);
  CheckRandomBytes<FirstRecordsRow>(bytes);
  CheckRandomBytes<DisputedNodesRow>(bytes);
  CheckRandomBytes<DisputedEntitiesRow>(bytes);
  CheckRandomBytes<AttributeValueRow>(bytes);
}

RC_GTEST_PROP(Rows, SurviveRandomBytes, ()) { CheckAll(*NastyBytes()); }

RC_GTEST_PROP(Rows, SurviveDamagedBytes, ()) {
  std::string bytes = *rc::gen::oneOf(rc::gen::exec([] { return AnyRecordRow().Encode(); }),
                                      rc::gen::exec([] { return AnyNameRow().Encode(); }),
                                      rc::gen::exec([] { return AnyBlockRow().Encode(); }),
                                      rc::gen::exec([] { return AnyGroupRow().Encode(); }),
                                      rc::gen::exec([] { return AnyStretchRow().Encode(); }),
                                      rc::gen::exec([] { return AnyConflictRow().Encode(); }));
  for (int i = 0; i < *rc::gen::inRange(1, 4); ++i) {
    bytes[*rc::gen::inRange<size_t>(0, bytes.size())] = *rc::gen::arbitrary<char>();
  }
  CheckAll(bytes);
}

TEST(Rows, RefuseCountsThatTheirBytesCannotHold) {
  const std::string huge("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 10);
  NameRow name;
  EXPECT_FALSE(NameRow::Decode(std::string("\0\0\0", 3) + huge, &name));
  PartRow part;
  EXPECT_FALSE(PartRow::Decode("p\1" + huge, &part));
  GroupRow group;
  EXPECT_FALSE(GroupRow::Decode(std::string(1, '\0') + huge, &group));
  ConflictOwnerRow owner;
  EXPECT_FALSE(ConflictOwnerRow::Decode(huge, &owner));
}

template <typename Row>
bool Decodes(const std::string& bytes) {
  Row row;
  return Row::Decode(bytes, &row);
}

TEST(Rows, RefuseWhatEncodeWouldWriteOtherwise) {
  const std::string one("\1\2\0\0\0\1\1\0", 8);  // a record with one descriptor, but for its interval
  std::string min_time("\0", 1);                      // the start is bounded,
  AppendSignedVarint(&min_time, kMinTime);
  AppendVarint(&min_time, 1);
  std::string max_time("\0\0", 2);  // or the end
  AppendVarint(&max_time, kMaxTime);
  EXPECT_TRUE(Decodes<RecordRow>(one + '\3'));
  EXPECT_FALSE(Decodes<RecordRow>(one + min_time)) << "and is kMinTime";
  EXPECT_FALSE(Decodes<RecordRow>(one + max_time)) << "and is kMaxTime";
  EXPECT_TRUE(Decodes<NameRow>(std::string("\0", 1)));
  EXPECT_FALSE(Decodes<NameRow>(std::string("\0\0\0\0", 4))) << "nothing, at length";
  EXPECT_TRUE(Decodes<GroupRow>(std::string("\0\0\0", 3)));
  EXPECT_FALSE(Decodes<GroupRow>(std::string("\2\0\0\0\0", 5))) << "touched by nothing";
  EXPECT_FALSE(Decodes<GroupRow>(std::string("\4\0\0\0", 4))) << "no values";
}

TEST(Rows, RefuseValuesOutOfRange) {
  RecordRow record;
  EXPECT_FALSE(RecordRow::Decode(std::string("\1\2\0\0\2", 5), &record)) << "unknown flag";
  const std::string wide("\x80\x80\x80\x80\x10", 5);  // 2^32 as an id of 32 bits
  EXPECT_FALSE(RecordRow::Decode(wide + std::string("\2\0\0\1\0", 5), &record));
  EXPECT_TRUE(RecordRow::Decode(std::string("\1\2\0\0\1\0", 6), &record));
  BlockRow block;
  PartRow part;
  EXPECT_FALSE(BlockRow::Decode(PartRow{1, {}}.Encode(), &block)) << "a part is no block";
  EXPECT_FALSE(PartRow::Decode(BlockRow{}.Encode(), &part));
}

}  // namespace
}  // namespace unirust::store
