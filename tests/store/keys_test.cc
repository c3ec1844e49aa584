#include "store/keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "base/limits.h"
#include "tests/base/generators.h"
#include "tests/model/generators.h"
#include "tests/store/hex.h"

namespace unirust::store {
namespace {

using gen::AnyInteger;
using gen::AnyInterval;
using gen::NastyBytes;
using ::testing::ElementsAre;

// --- golden bytes: the examples of docs/key-encoding.md ------------------------------------------

const RecordId kRecord(0x00C00005);  // slot 3, position 5

GroupKey SomeGroup() {
  return {.entity_type = SymbolId(1), .identity_key = 0, .values = EncodeValues({"a@x.org"})};
}

ConflictKey SomeConflict() {
  return {.kind = ConflictKind::kDirect,
          .attribute = "tax",
          .interval = {0, 5},
          .cause = "",
          .first_record = "p/c/1",
          .owner = "0123456789abcdef",
          .ordinal = 2};
}

TEST(Keys, HaveTheseBytes) {
  EXPECT_EQ(ToHex(RecordKey{kRecord}.Encode()), "00c00005");
  EXPECT_EQ(ToHex(NameKey{NameOf(kRecord)}.Encode()), "00c0000000000005");
  EXPECT_EQ(ToHex(NameKey{HandleOf(1027)}.Encode()), "00e0000000000001");
  EXPECT_EQ(ToHex(SomeGroup().Encode()),
            WithoutSpaces("001c 00000001 0000 00 61 40 78 2e 6f 72 67 0001"));
  EXPECT_EQ(ToHex(TouchKey{HandleOf(1027), kEntityLevel, SomeGroup().Encode()}.Encode()),
            WithoutSpaces("00e0000000000001 ffff") + ToHex(SomeGroup().Encode()));
  const AttributeValueKey posting{.attribute = SymbolId(4),
                                  .value = EncodeValues({"a@x.org"}),
                                  .interval = {0, 5},
                                  .record = kRecord};
  EXPECT_EQ(ToHex(posting.Encode()),
            WithoutSpaces("00000004 00 61 40 78 2e 6f 72 67 0001 03 8000000000000000 04 00c00005"));
  EXPECT_EQ(ToHex(ExpiryKey{-1, kRecord}.Encode()), WithoutSpaces("7fffffffffffffff 00c00005"));
  const std::string group =
      GroupKey{.entity_type = SymbolId(1), .identity_key = 0, .values = EncodeValue("a@x.org")}
          .Encode();
  const std::string all = PieceSetKey{.group = group, .entity = {}}.Encode();
  EXPECT_EQ(ToHex(PieceKey{all, {0, 5}, kRecord}.Encode()),
            WithoutSpaces("001c 00 00000001 0000 00 61 40 78 2e 6f 72 67 0001"
                          "8000000000000000 8000000000000005 00c00005"));
  const std::string one_entity =
      PieceSetKey{PieceSetKey::Which::kEntity, group, HandleOf(1027)}.Encode();
  EXPECT_EQ(ToHex(RunKey{one_entity, 0}.Encode()),
            WithoutSpaces("001c 02 00000001 0000 00 61 40 78 2e 6f 72 67 0001 00e0000000000001"
                          "8000000000000000"));
  DisputeKey dispute{.kind = DisputeKey::Kind::kEntities, .group = group, .run = 0, .stance = {}};
  dispute.stance.identifier = 1;
  EXPECT_EQ(ToHex(dispute.Encode()),
            WithoutSpaces("001c 03 0010 00000001 0000 00 61 40 78 2e 6f 72 67 0001"
                          "8000000000000000 0001"));
  dispute.kind = DisputeKey::Kind::kNode;
  dispute.stance = {1, SymbolId(2), EncodeValue("7"), {0, 5}, HandleOf(1027)};
  EXPECT_EQ(ToHex(dispute.Encode()),
            WithoutSpaces("001c 00 0010 00000001 0000 00 61 40 78 2e 6f 72 67 0001"
                          "8000000000000000 0001 00000002 00 37 0001"
                          "8000000000000000 8000000000000005 00e0000000000001"));
  EXPECT_EQ(ToHex(KidKey{HandleOf(1027), SymbolId(2), "42", NameOf(kRecord)}.Encode()),
            WithoutSpaces("00e0000000000001 00000002 3432 0001 00c0000000000005"));
  const Voice voice{HandleOf(1027), SymbolId(4), SymbolId()};
  EXPECT_EQ(ToHex(HeldValueKey{voice, EncodeValue("a"), {0, 5}}.Encode()),
            WithoutSpaces("00e0000000000001 00000004 00000000 00 61 0001"
                          "8000000000000000 8000000000000005"));
  EXPECT_EQ(ToHex(StretchKey{voice, StretchKey::Part::kStretch, 0}.Encode()),
            WithoutSpaces("00e0000000000001 00000004 00000000 00 8000000000000000"));
  EXPECT_EQ(ToHex(StretchKey{voice, StretchKey::Part::kFirstRecords, 0}.Encode()),
            WithoutSpaces("00e0000000000001 00000004 00000000 01 8000000000000000"));
  EXPECT_EQ(ToHex(SourceKey{SymbolId(1), SymbolId(2), {0, 5}, kRecord}.Encode()),
            WithoutSpaces("00000001 00000002 03 8000000000000000 04 00c00005"));
  EXPECT_EQ(ToHex(SomeConflict().Encode()),
            WithoutSpaces("01 746178 0001 8000000000000000 8000000000000005 0001 702f632f31 0001") +
                ToHex("0123456789abcdef") + "00000002");
  EXPECT_EQ(ToHex(ConflictOwnerKey::Entity(HandleOf(1027))),
            WithoutSpaces("0003 65 00e0000000000001"));
  EXPECT_EQ(ToHex(ConflictOwnerKey::Group(SomeGroup().Encode())),
            WithoutSpaces("001c 67 00000001 0000 00 61 40 78 2e 6f 72 67 0001"));
  EXPECT_EQ(ToHex(ConflictOwnerKey::SharedValue(0, SymbolId(1), SymbolId(2), EncodeValues({"7"}))),
            WithoutSpaces("0218 76 0000 00000001 00000002 00 37 0001"));
}

TEST(EncodeValues, HasTheseBytes) {
  EXPECT_EQ(ToHex(EncodeValues({"a", ""})), WithoutSpaces("00 61 0001 0001"));
  const std::string longest(kVerbatimValueBytesMax - 3, 'x');
  EXPECT_EQ(EncodeValues({longest}).size(), kVerbatimValueBytesMax);
  EXPECT_EQ(ToHex(EncodeValues({longest + "x"})),
            WithoutSpaces("01 78787878787878787878787878787878"
                          "8c1f05f1fe353ca35da3df5ce20fd96ad506db4dcee4f7e4abc50d8bb8f59ae5"));
}

// Where an identity is looked for first is part of the stored format.
TEST(FirstAddress, HasTheseValues) {
  EXPECT_EQ(FirstAddress("person", "crm", "42").Id(), RecordId(0xCA9EA362));
  EXPECT_EQ(FirstAddress("person", "crm", "43").Id(), RecordId(0xBAA129A5));
  EXPECT_NE(FirstAddress("a", "bc", "d").Id(), FirstAddress("ab", "c", "d").Id());
}

// --- addresses and names -------------------------------------------------------------------------

RC_GTEST_PROP(RecordAddress, ComesBackAndTellsItsSlot, ()) {
  const RecordId id(*AnyInteger<uint32_t>());
  const RecordAddress address = RecordAddress::Of(id);
  RC_ASSERT(address.Id() == id);
  RC_ASSERT(address.slot < limits::kSlots);
  RC_ASSERT(address.slot == id.value() >> 22U);
}

RC_GTEST_PROP(RecordAddress, NextStaysInTheSlotAndNeverGivesNoRecord, ()) {
  const RecordAddress address = RecordAddress::Of(RecordId(*AnyInteger<uint32_t>()));
  const RecordAddress next = address.Next();
  RC_ASSERT(next.slot == address.slot);
  RC_ASSERT(next.Id() != RecordId());
  RC_ASSERT(next.Id() != address.Id());
}

TEST(RecordAddress, NextWrapsRoundInItsSlot) {
  const uint32_t last = (1U << 22U) - 1;
  EXPECT_EQ((RecordAddress{7, last}.Next().position), 0U);
  EXPECT_EQ((RecordAddress{0, last}.Next().position), 1U) << "id 0 is no record";
}

RC_GTEST_PROP(FirstAddress, IsARecord, ()) {
  const RecordAddress address = FirstAddress(*NastyBytes(), *NastyBytes(), *NastyBytes());
  RC_ASSERT(address.slot < limits::kSlots);
  RC_ASSERT(address.Id() != RecordId());
}

RC_GTEST_PROP(BlockName, OfARecordComesBack, ()) {
  const RecordId id(*AnyInteger<uint32_t>());
  const BlockName name = NameOf(id);
  RC_ASSERT(IsRecord(name));
  RC_ASSERT(RecordOf(name) == id);
  RC_ASSERT(name.value() >> 54U == RecordAddress::Of(id).slot);
}

RC_GTEST_PROP(BlockName, OfAHandleIsNoRecordAndDiffersFromOthers, ()) {
  const auto a = *rc::gen::inRange<uint64_t>(1, uint64_t{1} << 40U);
  const auto b = *rc::gen::inRange<uint64_t>(1, uint64_t{1} << 40U);
  RC_ASSERT(!IsRecord(HandleOf(a)));
  RC_ASSERT((HandleOf(a) == HandleOf(b)) == (a == b));
  RC_ASSERT(HandleOf(a).value() >> 54U == a % limits::kSlots);
}

// --- round trips ---------------------------------------------------------------------------------

std::vector<std::string_view> Views(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

rc::Gen<std::vector<std::string>> AnyValues() {
  const auto values = rc::gen::nonEmpty(rc::gen::container<std::vector<std::string>>(NastyBytes()));
  return rc::gen::oneOf(values, rc::gen::resize(5, values));
}

RC_GTEST_PROP(EncodeValues, IsEqualForEqualValuesOnly, ()) {
  const std::vector<std::string> a = *AnyValues();
  const std::vector<std::string> b = *rc::gen::oneOf(AnyValues(), rc::gen::just(a));
  RC_ASSERT((EncodeValues(Views(a)) == EncodeValues(Views(b))) == (a == b));
}

RC_GTEST_PROP(EncodeValues, ComesBackAndKeepsOrderWhereVerbatim, ()) {
  const std::vector<std::string> a = *AnyValues();
  const std::vector<std::string> b =
      *rc::gen::resize(5, rc::gen::container<std::vector<std::string>>(a.size(), NastyBytes()));
  const std::string encoded_a = EncodeValues(Views(a));
  const std::string encoded_b = EncodeValues(Views(b));
  const auto back = VerbatimValues(encoded_a, a.size());
  RC_CLASSIFY(!back, "hashed");
  RC_ASSERT(encoded_a.size() <= kVerbatimValueBytesMax);
  if (back) RC_ASSERT(*back == a);
  RC_ASSERT(!VerbatimValues(encoded_a, a.size() + 1));
  if (back && VerbatimValues(encoded_b, b.size())) RC_ASSERT((encoded_a < encoded_b) == (a < b));
}

rc::Gen<std::string> AnyEncodedValues() {
  return rc::gen::map(AnyValues(),
                      [](const std::vector<std::string>& v) { return EncodeValues(Views(v)); });
}

GroupKey AnyGroupKey() {
  return {.entity_type = SymbolId(*AnyInteger<uint32_t>()),
          .identity_key = *AnyInteger<uint16_t>(),
          .values = *AnyEncodedValues()};
}

AttributeValueKey AnyAttributeValueKey() {
  return {.attribute = SymbolId(*AnyInteger<uint32_t>()),
          .value = EncodeValues({*NastyBytes()}),
          .interval = *AnyInterval(),
          .record = RecordId(*AnyInteger<uint32_t>())};
}

ConflictKey AnyConflictKey() {
  ConflictKey key{.kind = static_cast<ConflictKind>(*rc::gen::inRange(0, 3)),
                  .attribute = *NastyBytes(),
                  .interval = *AnyInterval(),
                  .cause = *NastyBytes(),
                  .first_record = *NastyBytes(),
                  .owner = *NastyBytes(),
                  .ordinal = *AnyInteger<uint32_t>()};
  key.owner.resize(kConflictOwnerBytes);
  return key;
}

auto Tie(const GroupKey& k) { return std::tie(k.entity_type, k.identity_key, k.values); }
auto Tie(const TouchKey& k) { return std::tie(k.name, k.level, k.group); }
auto Tie(const AttributeValueKey& k) {
  return std::tuple(k.attribute, k.value, TimedKey::LevelOf(k.interval), k.interval,
                    k.record);
}
auto Tie(const SourceKey& k) {
  return std::tuple(k.entity_type, k.perspective, TimedKey::LevelOf(k.interval), k.interval,
                    k.record);
}
auto Tie(const ConflictKey& k) {
  return std::tie(k.kind, k.attribute, k.interval, k.cause, k.first_record, k.owner, k.ordinal);
}
auto Tie(const RecordKey& k) { return std::tie(k.record); }
auto Tie(const NameKey& k) { return std::tie(k.name); }
auto Tie(const ExpiryKey& k) { return std::tie(k.due, k.record); }
auto Tie(const PieceKey& k) { return std::tie(k.set, k.interval, k.record); }
auto Tie(const RunKey& k) { return std::tie(k.set, k.start); }
auto Tie(const DisputeKey& k) {
  return std::tie(k.kind, k.group, k.run, k.stance.identifier, k.stance.domain, k.stance.value,
                  k.stance.interval, k.stance.block);
}
auto Tie(const KidKey& k) { return std::tie(k.block, k.perspective, k.uid, k.kid); }
auto Tie(const HeldValueKey& k) { return std::tie(k.voice, k.value, k.interval); }
auto Tie(const StretchKey& k) { return std::tie(k.voice, k.part, k.start); }

// The key comes back, and the bytes of the two are in the order of their fields.
template <typename Key>
void CheckCodec(const Key& a, const Key& b) {
  const std::string encoded = a.Encode();
  const auto back = Key::Decode(encoded);
  RC_ASSERT(back.has_value());
  RC_ASSERT(Tie(*back) == Tie(a));
  RC_ASSERT((encoded < b.Encode()) == (Tie(a) < Tie(b)));
}

RC_GTEST_PROP(RecordKey, KeepsFieldsAndOrder, ()) {
  CheckCodec(RecordKey{RecordId(*AnyInteger<uint32_t>())},
             RecordKey{RecordId(*AnyInteger<uint32_t>())});
}

RC_GTEST_PROP(NameKey, KeepsFieldsAndOrder, ()) {
  CheckCodec(NameKey{BlockName(*AnyInteger<uint64_t>())},
             NameKey{BlockName(*AnyInteger<uint64_t>())});
}

RC_GTEST_PROP(SourceKey, KeepsFieldsAndOrder, ()) {
  const auto any = [] {
    return SourceKey{SymbolId(*AnyInteger<uint32_t>()), SymbolId(*AnyInteger<uint32_t>()),
                     *AnyInterval(), RecordId(*AnyInteger<uint32_t>())};
  };
  const SourceKey key = any();
  CheckCodec(key, any());
  RC_ASSERT(key.Encode().starts_with(SourceKey::Prefix(key.entity_type, key.perspective)));
}

RC_GTEST_PROP(ExpiryKey, KeepsFieldsAndOrder, ()) {
  const auto any = [] {
    return ExpiryKey{*AnyInteger<int64_t>(), RecordId(*AnyInteger<uint32_t>())};
  };
  const ExpiryKey key = any();
  CheckCodec(key, any());
  RC_ASSERT(key.Encode().starts_with(ExpiryKey::Prefix(key.due)));
}

std::string AnyPieceSet() {
  PieceSetKey set{.which = *rc::gen::element(PieceSetKey::Which::kAll, PieceSetKey::Which::kLinked,
                                             PieceSetKey::Which::kEntity),
                  .group = AnyGroupKey().Encode(),
                  .entity = {}};
  if (set.which == PieceSetKey::Which::kEntity) set.entity = BlockName(*AnyInteger<uint64_t>());
  return set.Encode();
}

RC_GTEST_PROP(PieceSetKey, KeepsFields, ()) {
  const std::string encoded = AnyPieceSet();
  const auto set = PieceSetKey::Decode(encoded);
  RC_ASSERT(set.has_value());
  RC_ASSERT(set->Encode() == encoded);
  RC_ASSERT(encoded.starts_with(PieceSetKey::Prefix(set->which, set->group)));
}

// Those of one set are ordered by time.
RC_GTEST_PROP(PieceKey, KeepsFieldsAndOrder, ()) {
  const std::string set = AnyPieceSet();
  const auto any = [&] {
    return PieceKey{set, *AnyInterval(), RecordId(*AnyInteger<uint32_t>())};
  };
  const PieceKey key = any();
  CheckCodec(key, any());
  RC_ASSERT(key.Encode().starts_with(set));
}

RC_GTEST_PROP(RunKey, KeepsFieldsAndOrder, ()) {
  const std::string set = AnyPieceSet();
  CheckCodec(RunKey{set, *AnyInteger<Instant>()}, RunKey{set, *AnyInteger<Instant>()});
}

DisputeKey AnyDisputeKey(const std::string& group) {
  using Kind = DisputeKey::Kind;
  DisputeKey out{
      .kind = *rc::gen::element(Kind::kNode, Kind::kEntity, Kind::kNodes, Kind::kEntities),
      .group = group,
      .run = *AnyInteger<Instant>(),
      .stance = {}};
  if (out.kind != Kind::kNodes) out.stance.identifier = *AnyInteger<uint16_t>();
  if (out.kind == Kind::kNodes || out.kind == Kind::kEntities) return out;
  out.stance.domain = SymbolId(*AnyInteger<uint32_t>());
  out.stance.value = EncodeValue(*NastyBytes());
  out.stance.interval = *AnyInterval();
  out.stance.block = BlockName(*AnyInteger<uint64_t>());
  return out;
}

RC_GTEST_PROP(DisputeKey, KeepsFieldsAndOrder, ()) {
  const std::string group = AnyGroupKey().Encode();
  const DisputeKey key = AnyDisputeKey(group);
  CheckCodec(key, AnyDisputeKey(group));
  RC_ASSERT(key.Encode().starts_with(key.RunPrefix()));
  RC_ASSERT(key.RunPrefix().starts_with(DisputeKey::Prefix(key.kind, group)));
  RC_ASSERT(key.ValuePrefix().starts_with(key.PlacePrefix()));
}

RC_GTEST_PROP(KidKey, KeepsFieldsAndOrder, ()) {
  const auto any = [] {
    return KidKey{BlockName(*AnyInteger<uint64_t>()), SymbolId(*AnyInteger<uint32_t>()),
                  *NastyBytes(), BlockName(*AnyInteger<uint64_t>())};
  };
  const KidKey key = any();
  CheckCodec(key, any());
  RC_ASSERT(key.Encode().starts_with(KidKey::Prefix(key.block, key.perspective)));
  RC_ASSERT(key.Encode().starts_with(KidKey::Prefix(key.block)));
}

Voice AnyVoice() {
  return {BlockName(*AnyInteger<uint64_t>()), SymbolId(*AnyInteger<uint32_t>()),
          SymbolId(*AnyInteger<uint32_t>())};
}

RC_GTEST_PROP(HeldValueKey, KeepsFieldsAndOrder, ()) {
  const auto any = [] {
    return HeldValueKey{AnyVoice(), EncodeValue(*NastyBytes()), *AnyInterval()};
  };
  const HeldValueKey key = any();
  CheckCodec(key, any());
  HeldValueKey other = any();
  other.voice = key.voice;
  CheckCodec(key, other);
  RC_ASSERT(key.Encode().starts_with(HeldValueKey::Prefix(key.voice, key.value)));
}

RC_GTEST_PROP(StretchKey, KeepsFieldsAndOrder, ()) {
  const auto any = [] {
    return StretchKey{AnyVoice(), *rc::gen::element(StretchKey::Part::kStretch,
                                                    StretchKey::Part::kFirstRecords),
                      *AnyInteger<Instant>()};
  };
  const StretchKey key = any();
  CheckCodec(key, any());
  RC_ASSERT(key.Encode().starts_with(StretchKey::Prefix(key.voice, key.part)));
  RC_ASSERT(key.Encode().starts_with(StretchKey::Prefix(key.voice.entity)));
}

RC_GTEST_PROP(TouchKey, KeepsFieldsAndOrder, ()) {
  const auto any = [] {
    return TouchKey{BlockName(*AnyInteger<uint64_t>()), *AnyInteger<uint16_t>(),
                    AnyGroupKey().Encode()};
  };
  const TouchKey key = any();
  CheckCodec(key, any());
  RC_ASSERT(key.Encode().starts_with(TouchKey::Prefix(key.name, key.level)));
}

// Filters of files are made of these prefixes.
RC_GTEST_PROP(AttributeValueKey, TellsItsPrefixWhateverFollows, ()) {
  const AttributeValueKey key = AnyAttributeValueKey();
  const std::string prefix = AttributeValueKey::Prefix(key.attribute, key.value);
  RC_ASSERT(AttributeValueKey::PrefixBytes(prefix) == prefix.size());
  RC_ASSERT(AttributeValueKey::PrefixBytes(key.Encode()) == prefix.size());
  RC_ASSERT(AttributeValueKey::PrefixBytes(prefix + '\xFF') == prefix.size());
  const Instant from = *AnyInteger<Instant>();
  const auto level = *rc::gen::inRange<uint8_t>(0, 66);
  RC_ASSERT(AttributeValueKey::PrefixBytes(TimedKey::Seek(prefix, level, from)) == prefix.size());
  const size_t part = *rc::gen::inRange<size_t>(0, prefix.size());
  RC_ASSERT(!AttributeValueKey::PrefixBytes(std::string_view(prefix).substr(0, part)));
}

RC_GTEST_PROP(AttributeValueKey, KeepsFieldsAndOrder, ()) {
  const AttributeValueKey a = AnyAttributeValueKey();
  AttributeValueKey b = AnyAttributeValueKey();
  if (*rc::gen::arbitrary<bool>()) std::tie(b.attribute, b.value) = std::tie(a.attribute, a.value);
  CheckCodec(a, b);
  RC_ASSERT(a.Encode().starts_with(AttributeValueKey::Prefix(a.attribute, a.value)));
}

RC_GTEST_PROP(ConflictKey, KeepsFieldsAndOrder, ()) {
  const ConflictKey a = AnyConflictKey();
  ConflictKey b = AnyConflictKey();
  if (*rc::gen::arbitrary<bool>())
    std::tie(b.kind, b.attribute, b.interval) = std::tie(a.kind, a.attribute, a.interval);
  CheckCodec(a, b);
}

// Group keys are ordered within their slot, which is a hash.
RC_GTEST_PROP(GroupKey, KeepsFieldsAndStandsInItsSlot, ()) {
  const GroupKey key = AnyGroupKey();
  const std::string encoded = key.Encode();
  const auto back = GroupKey::Decode(encoded);
  RC_ASSERT(back.has_value());
  RC_ASSERT(Tie(*back) == Tie(key));
  RC_ASSERT(ToHex(encoded.substr(0, 2)) < "0400");
  RC_ASSERT(ConflictOwnerKey::Group(encoded).substr(0, 2) == encoded.substr(0, 2));
}

TEST(ConflictOwnerKey, TellsAnEntityByItsOwnKeyAlone) {
  const std::string key = ConflictOwnerKey::Entity(HandleOf(1027));
  EXPECT_EQ(ConflictOwnerKey::EntityOf(key), HandleOf(1027));
  EXPECT_EQ(ConflictOwnerKey::EntityOf("\1" + key.substr(1)), std::nullopt) << "in another slot";
  EXPECT_EQ(ConflictOwnerKey::EntityOf(key + '\0'), std::nullopt);
  EXPECT_EQ(ConflictOwnerKey::EntityOf(ConflictOwnerKey::Group(SomeGroup().Encode())), std::nullopt);
}

TEST(ConflictKey, CutsTheFirstRecordAndSortsWithoutOwnerAndOrdinal) {
  ConflictKey key = SomeConflict();
  key.first_record = std::string(kConflictNameBytesMax, 'n');
  ConflictKey longer = key;
  longer.first_record += "and more";
  longer.owner = "fedcba9876543210";
  longer.ordinal = 9;
  const std::string a = key.Encode();
  const std::string b = longer.Encode();
  EXPECT_NE(a, b);
  EXPECT_EQ(ConflictKey::SortPart(a), ConflictKey::SortPart(b));
  EXPECT_EQ(ConflictKey::Decode(b)->first_record.size(), kConflictNameBytesMax);
  std::string uncut = b;
  uncut.insert(ConflictKey::SortPart(b).size() - 2, "x");
  EXPECT_FALSE(ConflictKey::Decode(uncut));
  EXPECT_EQ(ConflictKey::SortPart("short"), "");
}

// --- malformed keys ------------------------------------------------------------------------------

template <typename Key>
void ExpectNoTruncationDecodes(const Key& key) {
  const std::string encoded = key.Encode();
  ASSERT_TRUE(Key::Decode(encoded));
  for (size_t length = 0; length < encoded.size(); ++length) {
    EXPECT_FALSE(Key::Decode(std::string_view(encoded).substr(0, length)))
        << length << " of " << ToHex(encoded);
  }
}

TEST(Keys, AreRefusedWhenTruncated) {
  ExpectNoTruncationDecodes(RecordKey{kRecord});
  ExpectNoTruncationDecodes(NameKey{HandleOf(1)});
  ExpectNoTruncationDecodes(SourceKey{SymbolId(1), SymbolId(2), {0, 1000}, kRecord});
  ExpectNoTruncationDecodes(ExpiryKey{-1, kRecord});
  const Voice voice{HandleOf(1), SymbolId(1), SymbolId(2)};
  ExpectNoTruncationDecodes(StretchKey{voice, StretchKey::Part::kFirstRecords, 5});
  ExpectNoTruncationDecodes(SomeConflict());
  for (const std::string& value :
       {std::string("a@x.org"), std::string(), std::string("\0\1\0", 3), std::string(99, 'x')}) {
    const GroupKey group{
        .entity_type = SymbolId(1), .identity_key = 1, .values = EncodeValues({value, "b"})};
    ExpectNoTruncationDecodes(group);
    ExpectNoTruncationDecodes(TouchKey{HandleOf(1), 2, group.Encode()});
    ExpectNoTruncationDecodes(AttributeValueKey{.attribute = SymbolId(1),
                                                .value = EncodeValues({value}),
                                                .interval = {0, 1000},
                                                .record = kRecord});
    for (const auto which : {PieceSetKey::Which::kAll, PieceSetKey::Which::kEntity}) {
      const std::string set = PieceSetKey{which, group.Encode(), {}}.Encode();
      ExpectNoTruncationDecodes(PieceKey{set, {0, 1000}, kRecord});
      ExpectNoTruncationDecodes(RunKey{set, 1000});
    }
    for (const auto kind : {DisputeKey::Kind::kNode, DisputeKey::Kind::kNodes}) {
      DisputeKey dispute{.kind = kind, .group = group.Encode(), .run = 1000, .stance = {}};
      dispute.stance = {1, SymbolId(1), EncodeValue(value), {0, 1000}, HandleOf(1)};
      ExpectNoTruncationDecodes(dispute);
    }
    ExpectNoTruncationDecodes(KidKey{HandleOf(1), SymbolId(1), value, HandleOf(2)});
    ExpectNoTruncationDecodes(HeldValueKey{voice, EncodeValue(value), {0, 1000}});
  }
}

template <typename Key>
void CheckRandomBytes(const std::string& bytes) {
  const auto key = Key::Decode(bytes);
  if (key) RC_ASSERT(key->Encode() == bytes);
}

RC_GTEST_PROP(Keys, DecodeRandomBytesOnlyIfEncodeWritesThem, ()) {
  const std::string bytes = *NastyBytes();
  CheckRandomBytes<RecordKey>(bytes);
  CheckRandomBytes<NameKey>(bytes);
  CheckRandomBytes<GroupKey>(bytes);
  CheckRandomBytes<TouchKey>(bytes);
  CheckRandomBytes<AttributeValueKey>(bytes);
  CheckRandomBytes<SourceKey>(bytes);
  CheckRandomBytes<ConflictKey>(bytes);
  CheckRandomBytes<ExpiryKey>(bytes);
  CheckRandomBytes<HeldValueKey>(bytes);
  CheckRandomBytes<StretchKey>(bytes);
  CheckRandomBytes<PieceKey>(bytes);
  CheckRandomBytes<PieceSetKey>(bytes);
  CheckRandomBytes<RunKey>(bytes);
  CheckRandomBytes<DisputeKey>(bytes);
  CheckRandomBytes<KidKey>(bytes);
  VerbatimValues(bytes, 2);
}

// A valid key with one byte changed.
RC_GTEST_PROP(Keys, DecodeDamagedBytesOnlyIfEncodeWritesThem, ()) {
  const auto damaged = [](std::string bytes) {
    bytes[*rc::gen::inRange<size_t>(0, bytes.size())] = *rc::gen::arbitrary<char>();
    return bytes;
  };
  CheckRandomBytes<GroupKey>(damaged(AnyGroupKey().Encode()));
  CheckRandomBytes<AttributeValueKey>(damaged(AnyAttributeValueKey().Encode()));
  CheckRandomBytes<DisputeKey>(damaged(AnyDisputeKey(AnyGroupKey().Encode()).Encode()));
  CheckRandomBytes<PieceSetKey>(damaged(AnyPieceSet()));
  CheckRandomBytes<SourceKey>(
      damaged(SourceKey{SymbolId(1), SymbolId(2), *AnyInterval(), kRecord}.Encode()));
  CheckRandomBytes<ConflictKey>(damaged(AnyConflictKey().Encode()));
}

}  // namespace
}  // namespace unirust::store
