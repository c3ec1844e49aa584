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
  RC_CLASSIFY(naive.agree, "agree");
  RC_ASSERT(Clash(a, b) == !naive.clashing.empty());
  RC_ASSERT(Clash(b, a) == Clash(a, b));
  RC_ASSERT(Agree(a, b) == naive.agree);
  RC_ASSERT(Agree(b, a) == Agree(a, b));
}

RC_GTEST_PROP(Signature, ContainsWhatItSaysThroughout, ()) {
  const Signature whole = *BlockSignature();
  Signature part = *BlockSignature();
  if (*rc::gen::arbitrary<bool>()) {
    part = whole;
    std::erase_if(part, [](const StrongRow&) { return *rc::gen::arbitrary<bool>(); });
  }
  bool contained = true;
  for (const Instant t : ProbesOf(whole, part)) {
    const auto all = At(whole, t);
    for (const auto& said : At(part, t)) contained = contained && all.contains(said);
  }
  RC_CLASSIFY(contained, "contained");
  RC_ASSERT(Contains(whole, part) == contained);
  RC_ASSERT(Contains(Merged(whole, part), part));
}

TEST(Signature, ComparesWithinOneIdentifierAndDomainAndInstantOnly) {
  const Signature a = {{0, SymbolId(1), {0, 5}, {"x"}}};
  EXPECT_TRUE(Clash(a, {{0, SymbolId(1), {4, 5}, {"y"}}}));
  EXPECT_FALSE(Clash(a, {{0, SymbolId(1), {5, 6}, {"y"}}})) << "another time";
  EXPECT_FALSE(Clash(a, {{0, SymbolId(2), {0, 5}, {"y"}}})) << "another domain";
  EXPECT_FALSE(Clash(a, {{1, SymbolId(1), {0, 5}, {"y"}}})) << "another identifier";
  EXPECT_FALSE(Clash(a, {{0, SymbolId(1), {0, 5}, {"x", "y"}}})) << "a common value";
  EXPECT_FALSE(Clash(a, {}));
  EXPECT_FALSE(Agree({}, {}));
}

}  // namespace
}  // namespace unirust::resolve
