#include "base/bytes.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <compare>
#include <string>
#include <vector>

#include "tests/base/generators.h"

namespace unirust {
namespace {

using gen::AnyInteger;
using gen::NastyBytes;

template <typename T>
std::string Encoded(void (*append)(std::string*, T), T value) {
  std::string out;
  append(&out, value);
  return out;
}

std::string Bytes(std::initializer_list<int> bytes) {
  std::string out;
  for (const int b : bytes) out.push_back(static_cast<char>(b));
  return out;
}

// --- golden bytes: the stored format -------------------------------------------------------------

TEST(Bytes, IntegersHaveTheseBytes) {
  EXPECT_EQ(Encoded<uint8_t>(AppendBig8, 0xAB), Bytes({0xAB}));
  EXPECT_EQ(Encoded<uint16_t>(AppendBig16, 0x0102), Bytes({1, 2}));
  EXPECT_EQ(Encoded<uint32_t>(AppendBig32, 0x01020304), Bytes({1, 2, 3, 4}));
  EXPECT_EQ(Encoded<uint64_t>(AppendBig64, 0x0102030405060708), Bytes({1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(Encoded<int64_t>(AppendBigSigned64, INT64_MIN), Bytes({0, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(Encoded<int64_t>(AppendBigSigned64, -1),
            Bytes({0x7F, 255, 255, 255, 255, 255, 255, 255}));
  EXPECT_EQ(Encoded<int64_t>(AppendBigSigned64, 0), Bytes({0x80, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(Encoded<int64_t>(AppendBigSigned64, INT64_MAX), std::string(8, '\xFF'));
}

TEST(Bytes, VarintsHaveTheseBytes) {
  EXPECT_EQ(Encoded<uint64_t>(AppendVarint, 0), Bytes({0}));
  EXPECT_EQ(Encoded<uint64_t>(AppendVarint, 127), Bytes({127}));
  EXPECT_EQ(Encoded<uint64_t>(AppendVarint, 300), Bytes({0xAC, 2}));
  EXPECT_EQ(Encoded<uint64_t>(AppendVarint, UINT64_MAX), std::string(9, '\xFF') + Bytes({1}));
  EXPECT_EQ(Encoded<int64_t>(AppendSignedVarint, -1), Bytes({1}));
  EXPECT_EQ(Encoded<int64_t>(AppendSignedVarint, 1), Bytes({2}));
  EXPECT_EQ(Encoded<int64_t>(AppendSignedVarint, INT64_MIN), std::string(9, '\xFF') + Bytes({1}));
}

TEST(Bytes, StringsHaveTheseBytes) {
  EXPECT_EQ(Encoded<std::string_view>(AppendOrderedString, ""), Bytes({0, 1}));
  EXPECT_EQ(Encoded<std::string_view>(AppendOrderedString, "a"), Bytes({'a', 0, 1}));
  EXPECT_EQ(Encoded<std::string_view>(AppendOrderedString, std::string_view("\0", 1)),
            Bytes({0, 255, 0, 1}));
  EXPECT_EQ(Encoded<std::string_view>(AppendString, "ab"), Bytes({2, 'a', 'b'}));
}

// --- round trips and order -----------------------------------------------------------------------

template <typename T>
void CheckOrdered(void (*append)(std::string*, T), T (ByteReader::*read)()) {
  const T a = *AnyInteger<T>();
  const T b = *AnyInteger<T>();
  const std::string encoded_a = Encoded(append, a);
  ByteReader in(encoded_a);
  RC_ASSERT((in.*read)() == a);
  RC_ASSERT(in.done());
  RC_ASSERT((encoded_a <=> Encoded(append, b)) == (a <=> b));
}

RC_GTEST_PROP(Bytes, Big8KeepsValueAndOrder, ()) { CheckOrdered(AppendBig8, &ByteReader::Big8); }
RC_GTEST_PROP(Bytes, Big16KeepsValueAndOrder, ()) { CheckOrdered(AppendBig16, &ByteReader::Big16); }
RC_GTEST_PROP(Bytes, Big32KeepsValueAndOrder, ()) { CheckOrdered(AppendBig32, &ByteReader::Big32); }
RC_GTEST_PROP(Bytes, Big64KeepsValueAndOrder, ()) { CheckOrdered(AppendBig64, &ByteReader::Big64); }
RC_GTEST_PROP(Bytes, BigSigned64KeepsValueAndOrder, ()) {
  CheckOrdered(AppendBigSigned64, &ByteReader::BigSigned64);
}

RC_GTEST_PROP(Bytes, AnOrderedStringIsSkippedAsItIsRead, ()) {
  std::string bytes = *NastyBytes();
  if (*rc::gen::arbitrary<bool>()) AppendOrderedString(&bytes, *NastyBytes());
  bytes += *NastyBytes();
  ByteReader read(bytes);
  ByteReader skipped(bytes);
  read.OrderedString();
  skipped.SkipOrderedString();
  RC_ASSERT(read.ok() == skipped.ok());
  if (read.ok()) RC_ASSERT(read.rest() == skipped.rest());
}

RC_GTEST_PROP(Bytes, OrderedStringKeepsValueAndOrderWhateverFollows, ()) {
  const std::string a = *NastyBytes();
  const std::string b = *NastyBytes();
  const std::string after = *NastyBytes();
  std::string encoded_a;
  AppendOrderedString(&encoded_a, a);
  encoded_a += after;
  std::string encoded_b;
  AppendOrderedString(&encoded_b, b);
  encoded_b += *NastyBytes();
  ByteReader in(encoded_a);
  RC_ASSERT(in.OrderedString() == a);
  RC_ASSERT(in.ok());
  RC_ASSERT(in.rest() == after);
  if (a != b) RC_ASSERT((encoded_a < encoded_b) == (a < b));
}

RC_GTEST_PROP(Bytes, VarintsAndStringsComeBack, ()) {
  const auto number = *AnyInteger<uint64_t>();
  const auto sign = *AnyInteger<int64_t>();
  const std::string text = *NastyBytes();
  std::string out;
  AppendVarint(&out, number);
  AppendSignedVarint(&out, sign);
  AppendString(&out, text);
  ByteReader in(out);
  RC_ASSERT(in.Varint() == number);
  RC_ASSERT(in.SignedVarint() == sign);
  RC_ASSERT(in.String() == text);
  RC_ASSERT(in.done());
}

RC_GTEST_PROP(Bytes, PrefixEndBoundsExactlyTheKeysWithThePrefix, ()) {
  const std::string prefix = *NastyBytes();
  const std::string other = *NastyBytes();
  const std::string end = PrefixEnd(prefix);
  const auto inside = [&](const std::string& key) {
    return key >= prefix && (end.empty() || key < end);
  };
  RC_ASSERT(inside(prefix + other));
  if (!other.starts_with(prefix)) RC_ASSERT(!inside(other));
}

TEST(Bytes, PrefixEndIsEmptyIfNothingFollows) {
  EXPECT_EQ(PrefixEnd(""), "");
  EXPECT_EQ(PrefixEnd("\xFF\xFF"), "");
  EXPECT_EQ(PrefixEnd("a\xFF"), "b");
}

// --- malformed input -----------------------------------------------------------------------------

// One of the reader's operations; all but the fixed-size ones vary in length.
void ReadOne(ByteReader& in, int what) {
  switch (what) {
    case 0:
      in.Big8();
      break;
    case 1:
      in.Big16();
      break;
    case 2:
      in.Big32();
      break;
    case 3:
      in.Big64();
      break;
    case 4:
      in.BigSigned64();
      break;
    case 5:
      in.OrderedString();
      break;
    case 6:
      in.Varint();
      break;
    case 7:
      in.SignedVarint();
      break;
    case 8:
      in.String();
      break;
    case 9:
      in.Bytes(3);
      break;
    default:
      in.Count(2);
      break;
  }
}

RC_GTEST_PROP(ByteReader, NeverReadsPastRandomInputAndStaysFailed, ()) {
  const std::string input = *NastyBytes();
  ByteReader in(input);
  bool failed = false;
  for (const int what : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 11))) {
    const size_t before = in.rest().size();
    ReadOne(in, what);
    RC_ASSERT(in.rest().size() <= before);
    RC_ASSERT(!failed || !in.ok());
    failed = !in.ok();
  }
}

RC_GTEST_PROP(ByteReader, EveryTruncationFails, ()) {
  std::string out;
  AppendBig32(&out, *AnyInteger<uint32_t>());
  AppendVarint(&out, *AnyInteger<uint64_t>());
  AppendOrderedString(&out, *NastyBytes());
  AppendString(&out, *NastyBytes());
  for (size_t length = 0; length < out.size(); ++length) {
    ByteReader in(std::string_view(out).substr(0, length));
    in.Big32();
    in.Varint();
    in.OrderedString();
    in.String();
    RC_ASSERT(!in.ok());
  }
}

TEST(ByteReader, VarintBeyond64BitsFails) {
  const std::string eleven(11, '\x80');
  const std::string too_big = std::string(9, '\xFF') + "\2";
  for (const std::string& input : {eleven, too_big}) {
    ByteReader in(input);
    EXPECT_EQ(in.Varint(), 0U);
    EXPECT_FALSE(in.ok());
  }
}

TEST(ByteReader, VarintLongerThanItNeedsToBeFails) {
  for (const std::string& input : {Bytes({0x80, 0}), Bytes({0xAC, 0x82, 0})}) {
    ByteReader in(input);
    EXPECT_EQ(in.Varint(), 0U);
    EXPECT_FALSE(in.ok());
  }
}

TEST(ByteReader, OrderedStringWithUnknownEscapeFails) {
  for (const std::string& input :
       {Bytes({'a', 0, 2}), Bytes({'a', 0}), Bytes({'a'}), std::string()}) {
    ByteReader in(input);
    EXPECT_EQ(in.OrderedString(), "");
    EXPECT_FALSE(in.ok());
  }
}

TEST(ByteReader, CountLargerThanTheRestAllowsFails) {
  std::string out;
  AppendVarint(&out, 3);
  out += "123456";
  EXPECT_EQ(ByteReader(out).Count(2), 3U);
  ByteReader larger(out);
  EXPECT_EQ(larger.Count(3), 0U);
  EXPECT_FALSE(larger.ok());
  for (const uint64_t huge : {uint64_t{1} << 32U, UINT64_MAX / 2, UINT64_MAX}) {
    std::string lie;
    AppendVarint(&lie, huge);
    lie += "123456";
    ByteReader count(lie);
    EXPECT_EQ(count.Count(1), 0U);
    EXPECT_FALSE(count.ok());
    ByteReader text(lie);
    EXPECT_EQ(text.String(), "");
    EXPECT_FALSE(text.ok());
  }
}

TEST(ByteReader, DoneNeedsEverythingReadAndNothingMalformed) {
  ByteReader in("a");
  EXPECT_TRUE(in.ok());
  EXPECT_FALSE(in.done());
  in.Big8();
  EXPECT_TRUE(in.done());
  in.Fail();
  EXPECT_FALSE(in.done());
}

TEST(HeadOf, OrdersAsTheBytesDo) {
  const std::string zero(1, '\0');
  const std::vector<std::string> ascending = {"", "a", "ab", "abcdefgh", "b", "\x7f", "\x80", "\xff"};
  for (size_t i = 1; i < ascending.size(); ++i) {
    EXPECT_LT(HeadOf(ascending[i - 1]), HeadOf(ascending[i])) << i;
  }
  EXPECT_EQ(HeadOf("abcdefgh"), HeadOf("abcdefghi"));
  EXPECT_EQ(HeadOf("a"), HeadOf("a" + zero));
  EXPECT_EQ(HeadOf("\1\2\3\4\5\6\7\x8"), 0x0102030405060708U);
}

}  // namespace
}  // namespace unirust
