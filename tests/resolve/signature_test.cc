#include "resolve/signature.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/resolve/fixture.h"

namespace unirust::resolve {
namespace {

using ::testing::ElementsAre;

// What a signature says at an instant.
std::set<std::tuple<uint16_t, SymbolId, std::vector<std::string>>> At(const Signature& signature,
                                                                      Instant t) {
  std::set<std::tuple<uint16_t, SymbolId, std::vector<std::string>>> out;
  for (const StrongRow& row : signature) {
    if (gen::Holds({row.interval}, t)) out.emplace(row.identifier, row.domain, row.values);
  }
  return out;
}

std::vector<Instant> ProbesOf(Signature a, const Signature& b) {
  a.insert(a.end(), b.begin(), b.end());
  return gen::Probes(Times(a));
}

TEST(Signature, CoalescesRowsOfOneValueSet) {
  Signature s = {{0, SymbolId(1), {2, 3}, {"a"}},
                 {0, SymbolId(1), {0, 2}, {"a"}},
                 {0, SymbolId(1), {2, 3}, {"a", "b"}}};
  Normalize(s);
  EXPECT_THAT(s, ElementsAre(StrongRow{0, SymbolId(1), {0, 3}, {"a"}},
                             StrongRow{0, SymbolId(1), {2, 3}, {"a", "b"}}));
}

RC_GTEST_PROP(Signature, NormalizeSaysTheSameSortedAndCoalesced, ()) {
  Signature raw = *RecordSignature();
  const Signature other = *RecordSignature();
  raw.insert(raw.begin(), other.begin(), other.end());
  Signature normal = raw;
  Normalize(normal);
  RC_ASSERT(std::is_sorted(normal.begin(), normal.end()));
  for (const Instant t : ProbesOf(raw, {})) RC_ASSERT(At(normal, t) == At(raw, t));
  for (const StrongRow& a : normal) {
    for (const StrongRow& b : normal) {
      if (&a == &b || a.identifier != b.identifier || a.domain != b.domain || a.values != b.values)
        continue;
      RC_ASSERT(a.interval.end < b.interval.start || b.interval.end < a.interval.start);
    }
  }
}

RC_GTEST_PROP(Signature, MergedSaysWhatEitherSays, ()) {
  const Signature a = *BlockSignature();
  const Signature b = *BlockSignature();
  const Signature merged = Merged(a, b);
  RC_ASSERT(merged == Merged(b, a));
  for (const Instant t : ProbesOf(a, b)) {
    auto both = At(a, t);
    both.merge(At(b, t));
    RC_ASSERT(At(merged, t) == both);
  }
  RC_ASSERT(Merged(a, a) == a);
  RC_ASSERT(Merged(a, {}) == a);
  RC_ASSERT(Merged({}, a) == a);
}

RC_GTEST_PROP(Signature, ClashesAndAgreesAsTheDefinitionsSay, ()) {
  const Signature a = *BlockSignature();
  const Signature b = *BlockSignature();
  const NaiveComparison naive = CompareNaively(a, b);
  RC_CLASSIFY(!naive.clashing.empty(), "clash");
  RC_ASSERT(Clash(a, b) == !naive.clashing.empty());
  RC_ASSERT(Clash(b, a) == Clash(a, b));
}

RC_GTEST_PROP(StrongCounts, TellWhatIsLeftOfABlock, ()) {
  const auto records = *rc::gen::container<std::vector<Signature>>(BlockSignature());
  const auto gone = *rc::gen::container<std::vector<bool>>(records.size(), rc::gen::arbitrary<bool>());
  StrongCounts counts;
  Signature left;
  StrongCounts all_gone;
  for (size_t i = 0; i < records.size(); ++i) {
    Add(CountsOf(records[i]), &counts);
    if (gone[i]) {
      Add(CountsOf(records[i]), &all_gone);
    } else {
      left = Merged(left, records[i]);
    }
  }
  StrongCounts at_once = counts;
  for (size_t i = 0; i < records.size(); ++i) {
    if (gone[i]) RC_ASSERT(Subtract(CountsOf(records[i]), &counts));
  }
  RC_ASSERT(SignatureOf(counts) == left);
  RC_ASSERT(Subtract(all_gone, &at_once));
  RC_ASSERT(at_once == counts);
}

TEST(StrongCounts, RefuseToTakeAwayWhatIsNotThere) {
  const Signature seven = {{0, SymbolId(1), {0, 5}, {"7"}}};
  const Signature eight = {{0, SymbolId(1), {0, 5}, {"8"}}};
  StrongCounts counts = CountsOf(seven);
  EXPECT_FALSE(Subtract(CountsOf(eight), &counts));
  counts = CountsOf(seven);
  StrongCounts twice = CountsOf(seven);
  Add(CountsOf(seven), &twice);
  EXPECT_FALSE(Subtract(twice, &counts));
}

TEST(Signature, ComparesWithinOneIdentifierAndDomainAndInstantOnly) {
  const Signature a = {{0, SymbolId(1), {0, 5}, {"x"}}};
  EXPECT_TRUE(Clash(a, {{0, SymbolId(1), {4, 5}, {"y"}}}));
  EXPECT_FALSE(Clash(a, {{0, SymbolId(1), {5, 6}, {"y"}}})) << "another time";
  EXPECT_FALSE(Clash(a, {{0, SymbolId(2), {0, 5}, {"y"}}})) << "another domain";
  EXPECT_FALSE(Clash(a, {{1, SymbolId(1), {0, 5}, {"y"}}})) << "another identifier";
  EXPECT_FALSE(Clash(a, {{0, SymbolId(1), {0, 5}, {"x", "y"}}})) << "a common value";
  EXPECT_FALSE(Clash(a, {}));
}

}  // namespace
}  // namespace unirust::resolve
