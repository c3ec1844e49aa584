// Where rows lie: every family's keys tell their slot, and what belongs together lies together.
#include "store/slots.h"

#include <gtest/gtest.h>

#include <string>

#include "base/bytes.h"
#include "base/limits.h"
#include "store/keys.h"

namespace unirust::store {
namespace {

constexpr uint16_t kSlot = 810;
const RecordId kRecord = RecordAddress{.slot = kSlot, .position = 5}.Id();
const BlockName kBlock = NameOf(kRecord);
const Interval kInterval{3, 9};

TEST(SlotOf, OfWhatBelongsToARecordOrBlockIsItsSlot) {
  const Voice voice{.entity = kBlock, .attribute = SymbolId(1), .perspective = SymbolId(2)};
  EXPECT_EQ(SlotOf(Family::kRecords, RecordKey{kRecord}.Encode()), kSlot);
  EXPECT_EQ(SlotOf(Family::kNames, NameKey{kBlock}.Encode()), kSlot);
  EXPECT_EQ(SlotOf(Family::kBlocks, NameKey{kBlock}.Encode()), kSlot);
  EXPECT_EQ(SlotOf(Family::kTouches, TouchKey::Prefix(kBlock, 1)), kSlot);
  EXPECT_EQ(SlotOf(Family::kKids, KidKey{kBlock, SymbolId(1), "u", kBlock}.Encode()), kSlot);
  EXPECT_EQ(SlotOf(Family::kHeldValues, HeldValueKey{voice, EncodeValue("v"), kInterval}.Encode()),
            kSlot);
  EXPECT_EQ(SlotOf(Family::kStretches, StretchKey{.voice = voice, .start = 3}.Encode()), kSlot);
  EXPECT_EQ(SlotOf(Family::kAttributeValues,
                   AttributeValueKey{SymbolId(1), EncodeValue("v"), kInterval, kRecord}.Encode()),
            kSlot);
  EXPECT_EQ(SlotOf(Family::kSources,
                   SourceKey{SymbolId(1), SymbolId(2), kInterval, kRecord}.Encode()),
            kSlot);
  EXPECT_EQ(SlotOf(Family::kExpiries, ExpiryKey{.due = 4, .record = kRecord}.Encode()), kSlot);
  EXPECT_EQ(SlotOf(Family::kConflictOwners, ConflictOwnerKey::Entity(kBlock)), kSlot);
}

TEST(SlotOf, OfWhatBelongsToAGroupIsTheGroups) {
  for (int n = 0; n < 50; ++n) {
    const std::string group = GroupKey{SymbolId(1), 0, EncodeValue(std::to_string(n))}.Encode();
    const std::string set = PieceSetKey{PieceSetKey::Which::kEntity, group, kBlock}.Encode();
    const auto slot = SlotOf(Family::kGroups, group);
    ASSERT_TRUE(slot);
    EXPECT_LT(*slot, limits::kSlots);
    EXPECT_EQ(SlotOf(Family::kPieces, PieceKey{set, kInterval, kRecord}.Encode()), slot);
    EXPECT_EQ(SlotOf(Family::kRuns, RunKey{set, 3}.Encode()), slot);
    EXPECT_EQ(SlotOf(Family::kDisputes, DisputeKey{.group = group, .run = 3, .stance = {}}.Encode()), slot);
    EXPECT_EQ(SlotOf(Family::kConflictOwners, ConflictOwnerKey::Group(group)), slot);
  }
}

TEST(SlotOf, EntriesOfOneOwnerLieTogether) {
  ConflictKey key{.attribute = "a", .interval = kInterval, .cause = "c", .first_record = "r",
                  .owner = std::string(kConflictOwnerBytes, '\x7F'), .ordinal = 1};
  const auto slot = SlotOf(Family::kConflicts, key.Encode());
  key.attribute = "b";
  key.ordinal = 2;
  ASSERT_TRUE(slot);
  EXPECT_EQ(SlotOf(Family::kConflicts, key.Encode()), slot);
  key.owner[1] = 'x';
  EXPECT_NE(SlotOf(Family::kConflicts, key.Encode()), slot);
}

TEST(SlotOf, NothingForTheStoresOwnRowsAndForNoKeys) {
  for (const Family family : {Family::kMeta, Family::kSymbols, Family::kOutbox}) {
    EXPECT_FALSE(HasSlots(family));
    EXPECT_FALSE(SlotOf(family, "some key of any kind"));
  }
  for (size_t i = 0; i < kFamilies; ++i) EXPECT_FALSE(SlotOf(static_cast<Family>(i), "x"));
  EXPECT_FALSE(SlotOf(Family::kGroups, "\xFF\xFF of no slot"));
}

TEST(SlotOfRange, OnlyIfNoKeyOfTheRangeCanHaveAnother) {
  const auto of = [](Family family, const std::string& prefix) {
    return SlotOfRange(family, prefix, PrefixEnd(prefix));
  };
  EXPECT_EQ(of(Family::kTouches, TouchKey::Prefix(kBlock, 1)), kSlot);
  EXPECT_EQ(of(Family::kConflictOwners, ConflictOwnerKey::Entity(kBlock)), kSlot);
  std::string all;  // of the slot
  AppendBig16(&all, kSlot);
  std::string next;
  AppendBig16(&next, kSlot + 1);
  EXPECT_EQ(SlotOfRange(Family::kGroups, all, next), kSlot);
  EXPECT_FALSE(SlotOfRange(Family::kGroups, all, next + '\0'));
  EXPECT_FALSE(SlotOfRange(Family::kGroups, all, ""));
  EXPECT_FALSE(SlotOfRange(Family::kGroups, "", next));
  EXPECT_FALSE(SlotOfRange(Family::kRecords, "\xCA", "\xCB"));
  EXPECT_EQ(SlotOfRange(Family::kRecords, "\xFF\xC0", ""), limits::kSlots - 1);
  EXPECT_FALSE(of(Family::kSources, SourceKey::Prefix(SymbolId(1))));
  EXPECT_FALSE(of(Family::kMeta, "ontology"));
}

}  // namespace
}  // namespace unirust::store
