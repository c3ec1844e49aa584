#include "shard/commit_lanes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace unirust::shard {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr size_t kRecordsMax = 100;

struct Request {
  std::string name;
  size_t count = 0;
  uint64_t bytes = 0;
  bool alone = false;
  uint64_t arrival = 0;
  size_t records() const { return count; }
  bool IsAlone() const { return alone; }
};

class CommitLanesTest : public ::testing::Test {
 protected:
  void Add(Lane lane, const std::string& name, size_t records, bool alone = false) {
    requests_.push_back({name, records, 10 * records, alone});
    lanes_.Add(lane, &requests_.back());
  }
  void Unary(const std::string& name, size_t records) { Add(Lane::kUnary, name, records); }
  void Stream(const std::string& name, size_t records) { Add(Lane::kStreams, name, records); }
  std::vector<std::string> Commit() {
    std::vector<std::string> names;
    for (const Request* request : lanes_.TakeCommit(kRecordsMax)) names.push_back(request->name);
    return names;
  }

  std::deque<Request> requests_;
  CommitLanes<Request> lanes_{2000};
};

TEST_F(CommitLanesTest, GoInTheOrderOfTheirArrivalWithinALane) {
  for (const char* name : {"a", "b", "c", "d"}) Stream(name, 30);
  EXPECT_THAT(Commit(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(Commit(), ElementsAre("d"));
  EXPECT_THAT(Commit(), IsEmpty());
  EXPECT_TRUE(lanes_.empty());
}

TEST_F(CommitLanesTest, ShareACommitByRecords) {
  for (const char* name : {"a", "b", "c", "d", "e"}) Unary(name, 20);
  Stream("x", 40);
  Stream("y", 40);
  EXPECT_THAT(Commit(), ElementsAre("a", "x", "b", "c"));
  EXPECT_THAT(Commit(), ElementsAre("y", "d", "e"));
}

TEST_F(CommitLanesTest, BeginInTurnWhereWhatIsLargeFillsACommit) {
  for (const char* name : {"a", "b", "c"}) Unary(name, 60);
  for (const char* name : {"x", "y"}) Stream(name, kRecordsMax);
  EXPECT_THAT(Commit(), ElementsAre("a"));
  EXPECT_THAT(Commit(), ElementsAre("x"));
  EXPECT_THAT(Commit(), ElementsAre("b"));
  EXPECT_THAT(Commit(), ElementsAre("y"));
  EXPECT_THAT(Commit(), ElementsAre("c"));
}

TEST_F(CommitLanesTest, LetAFloodInOneLaneNotKeepTheOtherWaiting) {
  for (size_t i = 0; i < 50; ++i) Unary("flood", 10);
  for (size_t i = 0; i < 5; ++i) {
    Stream("chunk", 10);
    EXPECT_THAT(Commit(), ::testing::Contains("chunk"));
  }
}

TEST_F(CommitLanesTest, TakeARequestThatIsLargerThanACommit) {
  Unary("large", 5 * kRecordsMax);
  Stream("small", 1);
  EXPECT_THAT(Commit(), ElementsAre("large"));
  EXPECT_THAT(Commit(), ElementsAre("small"));
}

TEST_F(CommitLanesTest, GiveACommitOfItsOwnToWhatIsAloneAfterAllThatCameBefore) {
  Stream("a", 80);
  Stream("b", 80);
  Add(Lane::kUnary, "alone", 1, true);
  Stream("c", 80);
  Unary("d", 1);
  EXPECT_THAT(Commit(), ElementsAre("a"));
  EXPECT_THAT(Commit(), ElementsAre("b"));
  EXPECT_THAT(Commit(), ElementsAre("alone"));
  EXPECT_THAT(Commit(), ElementsAre("c", "d"));
}

TEST_F(CommitLanesTest, GiveItAfterAllThatCameBeforeAlsoInTheOtherLane) {
  Unary("a", 80);
  Unary("b", 80);
  Add(Lane::kStreams, "alone", 1, true);
  Unary("c", 80);
  EXPECT_THAT(Commit(), ElementsAre("a"));
  EXPECT_THAT(Commit(), ElementsAre("b"));
  EXPECT_THAT(Commit(), ElementsAre("alone"));
  EXPECT_THAT(Commit(), ElementsAre("c"));
}

TEST_F(CommitLanesTest, HaveHalfOfTheRoomEach) {
  EXPECT_TRUE(lanes_.HasRoom(Lane::kUnary, 5000)) << "an empty lane takes any";
  Unary("a", 90);
  EXPECT_TRUE(lanes_.HasRoom(Lane::kUnary, 100));
  EXPECT_FALSE(lanes_.HasRoom(Lane::kUnary, 101));
  EXPECT_TRUE(lanes_.HasRoom(Lane::kStreams, 5000));
  Stream("x", 100);
  EXPECT_FALSE(lanes_.HasRoom(Lane::kStreams, 1));
  EXPECT_EQ(lanes_.bytes(Lane::kUnary), 900U);
  EXPECT_EQ(lanes_.bytes(Lane::kStreams), 1000U);
  EXPECT_EQ(lanes_.records(), 190U);
  EXPECT_THAT(Commit(), ElementsAre("a"));
  EXPECT_TRUE(lanes_.HasRoom(Lane::kUnary, 1000));
  EXPECT_EQ(lanes_.records(), 100U);
}

}  // namespace
}  // namespace unirust::shard
