#include "resolve/links.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "tests/resolve/fixture.h"

namespace unirust::resolve {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

using Partition = std::set<std::set<size_t>>;

template <typename Links>
Partition Connected(size_t count, const Links& links) {
  UnionFind parts(count);
  for (const auto& [a, b] : links) parts.Unite(a, b);
  std::vector<std::set<size_t>> by_root(count);
  for (size_t i = 0; i < count; ++i) by_root[parts.Find(i)].insert(i);
  Partition out(by_root.begin(), by_root.end());
  out.erase(std::set<size_t>());
  return out;
}

// Chains as the transitive closure of "overlap".
std::vector<std::pair<size_t, size_t>> Overlapping(const std::vector<Interval>& intervals) {
  std::vector<std::pair<size_t, size_t>> out;
  for (size_t i = 0; i < intervals.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (Overlaps(intervals[i], intervals[j])) out.emplace_back(i, j);
    }
  }
  return out;
}

std::vector<std::pair<size_t, size_t>> ChainsOf(const std::vector<Interval>& intervals) {
  std::vector<NodePiece> pieces;
  for (const Interval& interval : intervals) pieces.push_back({.interval = interval, .node = 0});
  return Chains(std::span<const NodePiece>(pieces));
}

TEST(Chains, PartAdjacentIntervals) {
  EXPECT_THAT(ChainsOf({}), IsEmpty());
  EXPECT_THAT(ChainsOf({{0, 2}, {1, 3}, {3, 4}, {3, 5}, {6, 7}}),
              ElementsAre(Pair(0, 2), Pair(2, 4), Pair(4, 5)));
  EXPECT_THAT(ChainsOf({{kMinTime, kMinTime + 1}, {kMinTime, kMaxTime}, {kMaxTime - 1, kMaxTime}}),
              ElementsAre(Pair(0, 3)));
  EXPECT_THAT(ChainsOf({{kMinTime, 0}, {0, kMaxTime}}), ElementsAre(Pair(0, 1), Pair(1, 2)));
}

RC_GTEST_PROP(Chains, AreTheConnectedPartsOfOverlap, ()) {
  std::vector<Interval> intervals = *gen::AnyIntervals();
  std::sort(intervals.begin(), intervals.end());
  Partition chains;
  for (const auto& [first, last] : ChainsOf(intervals)) {
    std::set<size_t> members;
    for (size_t i = first; i < last; ++i) members.insert(i);
    chains.insert(members);
  }
  RC_ASSERT(chains == Connected(intervals.size(), Overlapping(intervals)));
}

std::vector<store::Piece> PiecesOf(const std::vector<Interval>& intervals, uint32_t first_record) {
  std::vector<store::Piece> out;
  for (const Interval& interval : intervals) {
    out.push_back({interval, RecordId(first_record++)});
  }
  std::sort(out.begin(), out.end());
  return out;
}

RC_GTEST_PROP(GainedRuns, HaveTheNewPiecesAndOneOfEachOldRun, ()) {
  const std::vector<store::Piece> before = PiecesOf(*gen::AnyIntervals(), 1);
  const std::vector<store::Piece> added = PiecesOf(*gen::AnyIntervals(), 1000);
  std::vector<store::Piece> now;
  std::merge(before.begin(), before.end(), added.begin(), added.end(), std::back_inserter(now));
  std::vector<GainedRun> expected;
  const auto old_runs = Chains(std::span<const store::Piece>(before));
  for (const auto& [first, last] : Chains(std::span<const store::Piece>(now))) {
    const std::span<const store::Piece> run(now.begin() + static_cast<ptrdiff_t>(first),
                                            now.begin() + static_cast<ptrdiff_t>(last));
    GainedRun gained;
    for (const store::Piece& piece : run) {
      if (std::binary_search(added.begin(), added.end(), piece)) gained.added.push_back(piece);
    }
    for (const auto& [old_first, old_last] : old_runs) {
      if (std::binary_search(run.begin(), run.end(), before[old_first])) {
        gained.old.push_back(before[old_first]);
      }
    }
    if (!gained.added.empty()) expected.push_back(gained);
  }
  const std::vector<GainedRun> found = GainedRuns(before, now);
  RC_CLASSIFY(found.size() > 1, "several");
  RC_ASSERT(found.size() == expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    RC_ASSERT(found[i].added == expected[i].added);
    RC_ASSERT(found[i].old == expected[i].old);
  }
}

// semantics.md, 6.1, word by word, for one run.
std::vector<std::pair<size_t, size_t>> NaiveLinks(const std::vector<NodePiece>& pieces,
                                                  const std::vector<Signature>& signatures,
                                                  bool hold) {
  std::vector<std::pair<size_t, size_t>> links;
  std::set<size_t> present;
  for (const NodePiece& piece : pieces) present.insert(piece.node);
  std::set<size_t> disputed;
  for (const size_t x : present) {
    for (const size_t y : present) {
      if (x == y) continue;
      const NaiveComparison compared = CompareNaively(signatures[x], signatures[y]);
      if (!compared.clashing.empty()) {
        disputed.insert({x, y});
      } else if (compared.agree) {
        links.emplace_back(x, y);
      }
    }
  }
  if (hold && !disputed.empty()) return links;
  std::vector<NodePiece> quiet;
  for (const NodePiece& piece : pieces) {
    if (!disputed.contains(piece.node)) quiet.push_back(piece);
  }
  std::vector<Interval> intervals;
  for (const NodePiece& piece : quiet) intervals.push_back(piece.interval);
  for (const auto& chain : Connected(quiet.size(), Overlapping(intervals))) {
    for (const size_t i : chain) {
      for (const size_t j : chain) links.emplace_back(quiet[i].node, quiet[j].node);
    }
  }
  return links;
}

RC_GTEST_PROP(RunLinks, ConnectWhatTheSemanticsLinks, ()) {
  std::vector<Signature> signatures;
  for (int i = 0; i < *rc::gen::inRange(1, 7); ++i) {
    // Copies, so that classes have several nodes.
    const bool copy = !signatures.empty() && *rc::gen::inRange(0, 3) == 0;
    signatures.push_back(copy ? *rc::gen::elementOf(signatures)
                              : *rc::gen::resize(8, BlockSignature()));
  }
  std::vector<NodePiece> pieces;
  for (const Interval& interval : *gen::AnyIntervals()) {
    pieces.push_back({interval, *rc::gen::inRange<size_t>(0, signatures.size())});
  }
  std::sort(pieces.begin(), pieces.end(),
            [](const NodePiece& a, const NodePiece& b) { return a.interval < b.interval; });
  std::vector<const Signature*> pointers;
  for (const Signature& s : signatures) pointers.push_back(&s);
  const bool hold = *rc::gen::arbitrary<bool>();
  const auto links = RunLinks(pieces, pointers, hold);
  const auto expected = NaiveLinks(pieces, signatures, hold);
  RC_CLASSIFY(!links.empty(), "links");
  RC_ASSERT(Connected(signatures.size(), links) == Connected(signatures.size(), expected));

  const auto among = *rc::gen::container<std::vector<bool>>(signatures.size(),
                                                            rc::gen::arbitrary<bool>());
  std::vector<std::pair<size_t, size_t>> kept;
  for (const auto& [a, b] : expected) {
    if (among[a] && among[b]) kept.emplace_back(a, b);
  }
  RC_ASSERT(Connected(signatures.size(), RunLinksAmong(pieces, pointers, hold, among)) ==
            Connected(signatures.size(), kept));
}

// --- the sentences of 6.1, one by one ------------------------------------------------------------

constexpr Interval kAlways{kMinTime, kMaxTime};
const Signature kMute;
const Signature kSeven = {{0, SymbolId(), kAlways, {"7"}}};
const Signature kEight = {{0, SymbolId(), kAlways, {"8"}}};

Partition Parts(const std::vector<NodePiece>& pieces,
                const std::vector<const Signature*>& signatures, bool hold) {
  return Connected(signatures.size(), RunLinks(pieces, signatures, hold));
}

TEST(RunLinks, JoinEverybodyWhereNothingClashes) {
  EXPECT_EQ(Parts({{kAlways, 0}, {kAlways, 1}, {kAlways, 2}}, {&kMute, &kSeven, &kSeven}, false),
            (Partition{{0, 1, 2}}));
}

TEST(RunLinks, MoveOnlyDisputedNodesAside) {
  const std::vector<NodePiece> pieces = {
      {kAlways, 0}, {kAlways, 1}, {kAlways, 2}, {kAlways, 3}, {kAlways, 4}};
  const std::vector<const Signature*> signatures = {&kMute, &kSeven, &kMute, &kEight, &kSeven};
  EXPECT_EQ(Parts(pieces, signatures, false), (Partition{{0, 2}, {1, 4}, {3}}));
  EXPECT_EQ(Parts(pieces, signatures, true), (Partition{{0}, {2}, {1, 4}, {3}}))
      << "with hold, weak evidence parts";
}

TEST(RunLinks, FallApartWhereADisputedNodeHeldThemTogether) {
  const std::vector<NodePiece> pieces = {{{0, 2}, 0}, {{0, 9}, 1}, {{1, 9}, 2}, {{5, 7}, 3}};
  EXPECT_EQ(Parts(pieces, {&kMute, &kSeven, &kEight, &kMute}, false),
            (Partition{{0}, {1}, {2}, {3}}));
  EXPECT_EQ(Parts(pieces, {&kMute, &kSeven, &kMute, &kMute}, false), (Partition{{0, 1, 2, 3}}));
}

TEST(RunLinks, AgreeingNodesAreLinkedAlsoIfTheirPiecesDoNotOverlap) {
  const std::vector<NodePiece> pieces = {{{0, 3}, 0}, {{2, 9}, 1}, {{8, 9}, 2}};
  EXPECT_EQ(Parts(pieces, {&kSeven, &kEight, &kSeven}, true), (Partition{{0, 2}, {1}}));
}

TEST(UnionFind, TellsWhetherTwoWereApart) {
  UnionFind parts(3);
  EXPECT_TRUE(parts.Unite(0, 1));
  EXPECT_FALSE(parts.Unite(1, 0));
  EXPECT_TRUE(parts.Unite(2, 0));
  EXPECT_EQ(parts.Find(0), parts.Find(2));
}

}  // namespace
}  // namespace unirust::resolve
