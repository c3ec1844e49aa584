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

RC_GTEST_PROP(Cursor, ComesBackForItsListing, ()) {
  const std::string listing = *gen::NastyBytes();
  const std::string position = *rc::gen::nonEmpty(gen::NastyBytes());
  const auto back = DecodeCursor(listing, EncodeCursor(listing, position));
  RC_ASSERT(back.ok());
  RC_ASSERT(*back == position);
}

TEST(Cursor, IsEmptyAtTheBeginning) { EXPECT_EQ(DecodeCursor("records", "").value(), ""); }

TEST(Cursor, OfAnotherListingIsRefused) {
  const auto other = DecodeCursor("conflicts", EncodeCursor("records", "p"));
  EXPECT_EQ(other.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(other.status().message()), HasSubstr("another listing"));
}

RC_GTEST_PROP(Cursor, ChangedAnywhereIsRefused, ()) {
  std::string cursor = EncodeCursor("records", *rc::gen::nonEmpty(gen::NastyBytes()));
  const size_t at = *rc::gen::inRange<size_t>(0, cursor.size());
  const std::string cut = cursor.substr(0, at);
  const std::string longer = cursor + *rc::gen::nonEmpty(gen::NastyBytes());
  cursor[at] = static_cast<char>(cursor[at] ^ *rc::gen::inRange(1, 256));
  for (const std::string& changed : {cursor, longer}) {
    RC_ASSERT(DecodeCursor("records", changed).status().code() ==
              absl::StatusCode::kInvalidArgument);
  }
  if (!cut.empty())
    RC_ASSERT(DecodeCursor("records", cut).status().code() == absl::StatusCode::kInvalidArgument);
}

RC_GTEST_PROP(Cursor, OfRandomBytesIsRefused, ()) {
  const std::string bytes = *rc::gen::nonEmpty(gen::NastyBytes());
  RC_ASSERT(!DecodeCursor("records", bytes).ok());
}

TEST(Cursor, LongerThanTheLimitIsRefused) {
  const std::string longest(limits::kCursorBytesMax - 19,
                            'p');  // version, two hashes, varint of two bytes
  EXPECT_EQ(EncodeCursor("records", longest).size(), limits::kCursorBytesMax);
  EXPECT_EQ(DecodeCursor("records", EncodeCursor("records", longest)).value(), longest);
  EXPECT_EQ(DecodeCursor("records", EncodeCursor("records", longest + "p")).status().code(),
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
  EXPECT_LE(EncodeCursor("conflicts", longest.Encode()).size(), limits::kCursorBytesMax);
}

}  // namespace
}  // namespace unirust::resolve
