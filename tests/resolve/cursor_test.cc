#include "resolve/cursor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

#include "base/limits.h"
#include "store/keys.h"
#include "tests/base/generators.h"

namespace unirust::resolve {
namespace {

using ::testing::HasSubstr;

const store::Lineage kLineage{.store = 1, .history = 2};
const Listing kRecords{.lineage = kLineage, .name = "records"};

RC_GTEST_PROP(Cursor, ComesBackForItsListing, ()) {
  const Listing listing{.lineage = kLineage, .name = *gen::NastyBytes()};
  const std::string position = *rc::gen::nonEmpty(gen::NastyBytes());
  const auto back = DecodeCursor(listing, EncodeCursor(listing, position));
  RC_ASSERT(back.ok());
  RC_ASSERT(*back == position);
}

TEST(Cursor, IsEmptyAtTheBeginning) { EXPECT_EQ(DecodeCursor(kRecords, "").value(), ""); }

TEST(Cursor, OfAnotherListingIsRefused) {
  const Listing conflicts{.lineage = kLineage, .name = "conflicts"};
  const auto other = DecodeCursor(conflicts, EncodeCursor(kRecords, "p"));
  EXPECT_EQ(other.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(other.status().message()), HasSubstr("another listing"));
}

TEST(Cursor, OfAnotherStoreIsRefused) {
  const Listing elsewhere{.lineage = {.store = 9, .history = 2}, .name = "records"};
  const auto other = DecodeCursor(elsewhere, EncodeCursor(kRecords, "p"));
  EXPECT_EQ(other.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Cursor, OfAnEarlierHistoryIsStale) {
  const Listing later{.lineage = {.store = 1, .history = 3}, .name = "records"};
  const auto stale = DecodeCursor(later, EncodeCursor(kRecords, "p"));
  EXPECT_EQ(stale.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(stale.status().message()), HasSubstr("stale"));
}

RC_GTEST_PROP(Cursor, ChangedAnywhereIsRefused, ()) {
  std::string cursor = EncodeCursor(kRecords, *rc::gen::nonEmpty(gen::NastyBytes()));
  const size_t at = *rc::gen::inRange<size_t>(0, cursor.size());
  const std::string cut = cursor.substr(0, at);
  const std::string longer = cursor + *rc::gen::nonEmpty(gen::NastyBytes());
  cursor[at] = static_cast<char>(cursor[at] ^ *rc::gen::inRange(1, 256));
  for (const std::string& changed : {cursor, longer}) {
    RC_ASSERT(DecodeCursor(kRecords, changed).status().code() ==
              absl::StatusCode::kInvalidArgument);
  }
  if (!cut.empty())
    RC_ASSERT(DecodeCursor(kRecords, cut).status().code() == absl::StatusCode::kInvalidArgument);
}

RC_GTEST_PROP(Cursor, OfRandomBytesIsRefused, ()) {
  const std::string bytes = *rc::gen::nonEmpty(gen::NastyBytes());
  RC_ASSERT(!DecodeCursor(kRecords, bytes).ok());
}

TEST(Cursor, LongerThanTheLimitIsRefused) {
  const std::string longest(limits::kCursorBytesMax - 35,
                            'p');  // version, four hashes, varint of two bytes
  EXPECT_EQ(EncodeCursor(kRecords, longest).size(), limits::kCursorBytesMax);
  EXPECT_EQ(DecodeCursor(kRecords, EncodeCursor(kRecords, longest)).value(), longest);
  EXPECT_EQ(DecodeCursor(kRecords, EncodeCursor(kRecords, longest + "p")).status().code(),
            absl::StatusCode::kInvalidArgument);
}

// All texts as long as they may be, and of nothing but the byte that takes two in a key.
TEST(Cursor, BehindTheLongestConflictIsWithinTheLimit) {
  const store::ConflictKey longest{
      .kind = ConflictKind::kConstraintViolation,
      .attribute = std::string(limits::kAttributeBytesMax, '\0'),
      .interval = {},
      .cause = std::string(limits::kOntologyNameBytesMax, '\0'),
      .first_record = std::string(store::kConflictNameBytesMax, '\0'),
      .owner = std::string(store::kConflictOwnerBytes, '\0'),
      .ordinal = 0};
  EXPECT_LE(EncodeCursor(kRecords, longest.Encode()).size(), limits::kCursorBytesMax);
}

}  // namespace
}  // namespace unirust::resolve
