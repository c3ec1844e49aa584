// Which part gets which slots, and the row that tells where they are.
#include "cluster/placement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace unirust::cluster {
namespace {

size_t Moved(const SlotMap& now, const SlotMap& target) {
  size_t out = 0;
  for (const PlannedMove& move : MovesBetween(now, target)) out += move.slots;
  return out;
}

TEST(Balanced, AllHaveEquallyManyAndNoMoreMovesThanMust) {
  std::mt19937_64 random(5);
  for (int n = 0; n < 300; ++n) {
    const size_t parts = 1 + random() % 9;
    SlotMap now = SlotMap::Even(1 + random() % parts);
    for (size_t changes = random() % 2000; changes > 0; --changes) {
      now.Assign(static_cast<uint16_t>(random() % limits::kSlots), random() % parts);
    }
    std::vector<uint32_t> drained;
    for (uint32_t part = 0; part < parts; ++part) {
      if (random() % 4 == 0) drained.push_back(part);
    }
    const absl::StatusOr<SlotMap> target = Balanced(now, parts, drained);
    if (drained.size() == parts) {
      EXPECT_TRUE(absl::IsInvalidArgument(target.status()));
      continue;
    }
    ASSERT_TRUE(target.ok()) << target.status();
    const size_t taking = parts - drained.size();
    size_t surplus = 0;  // must move, wherever the slots go that cannot be divided
    size_t larger = limits::kSlots % taking;
    std::vector<size_t> counts;
    for (size_t part = 0; part < parts; ++part) {
      const size_t slots = target->SlotsOf(part);
      if (std::find(drained.begin(), drained.end(), part) != drained.end()) {
        EXPECT_EQ(slots, 0U);
        surplus += now.SlotsOf(part);
        continue;
      }
      EXPECT_TRUE(slots == limits::kSlots / taking || slots == limits::kSlots / taking + 1);
      counts.push_back(now.SlotsOf(part));
    }
    std::sort(counts.rbegin(), counts.rend());
    for (const size_t count : counts) {
      const size_t room = limits::kSlots / taking + (larger > 0 ? 1 : 0);
      if (larger > 0) --larger;
      surplus += count > room ? count - room : 0;
    }
    EXPECT_EQ(Moved(now, *target), surplus);
    EXPECT_EQ(Balanced(*target, parts, drained).value(), *target);
  }
  EXPECT_TRUE(absl::IsInvalidArgument(Balanced(SlotMap::Even(2), 2, {2}).status()));
}

TEST(PlacementRow, IsReadAsItWasWritten) {
  Placement placement = Placement::Of(SlotMap::Even(3));
  placement.version = 77;
  placement.target.Assign(5, 2);
  placement.target.Assign(1000, 0);
  for (const bool moving : {false, true}) {
    if (moving) {
      placement.move = placement.NextMove(9);
      placement.move->done = {.family = 3, .key = std::string("a\0b", 3)};
      placement.move->rows = 12345;
      placement.move->bytes = 1ULL << 40U;
    }
    const std::string row = placement.Encode();
    const std::optional<Placement> read = Placement::Decode(row);
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->Encode(), row);
    EXPECT_EQ(read->version, 77U);
    EXPECT_EQ(read->map, placement.map);
    EXPECT_EQ(read->target, placement.target);
    EXPECT_EQ(read->move.has_value(), moving);
    for (size_t bytes = 0; bytes < row.size(); ++bytes) {
      EXPECT_FALSE(Placement::Decode(row.substr(0, bytes)).has_value());
    }
    EXPECT_FALSE(Placement::Decode(row + '\0').has_value());
  }
  EXPECT_EQ(placement.move->slots.count(), 1U);
  EXPECT_EQ(placement.LastPart(), 2U);
}

TEST(PlacementRow, APartBeyondTheLastOneIsDamage) {
  Placement placement = Placement::Of(SlotMap::Even(1));
  placement.map.Assign(3, limits::kPartsMax);
  EXPECT_FALSE(Placement::Decode(placement.Encode()).has_value());
}

}  // namespace
}  // namespace unirust::cluster
