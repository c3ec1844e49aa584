#include "resolve/disputes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "resolve/links.h"
#include "tests/resolve/fixture.h"

namespace unirust::resolve {
namespace {

// One value at a time, as most strong identifiers have it, in few places: much clashes and agrees.
rc::Gen<Signature> SingleValues() {
  return rc::gen::exec([] {
    Signature out;
    for (int i = *rc::gen::inRange(0, 4); i > 0; --i) {
      const auto start = *rc::gen::inRange<Instant>(0, 12);
      const StrongRow row{static_cast<uint16_t>(*rc::gen::inRange(0, 2)),
                          SymbolId(),
                          {start, start + *rc::gen::inRange<Instant>(1, 6)},
                          {std::string(1, *rc::gen::inRange('a', 'd'))}};
      if (!Clash(out, {row})) out.push_back(row);
      Normalize(out);
    }
    return out;
  });
}

std::vector<Signature> AnySignatures() {
  const bool single = *rc::gen::arbitrary<bool>();
  const rc::Gen<Signature> one =
      single ? SingleValues() : rc::gen::resize(8, BlockSignature());
  return *rc::gen::resize(12, rc::gen::container<std::vector<Signature>>(one));
}

Signatures Pointers(const std::vector<Signature>& signatures) {
  Signatures out;
  for (const Signature& signature : signatures) out.push_back(&signature);
  return out;
}

std::vector<size_t> Roots(size_t count, const std::vector<std::pair<size_t, size_t>>& links) {
  UnionFind parts(count);
  for (const auto& [a, b] : links) parts.Unite(a, b);
  std::vector<size_t> first(count, count);  // the least of each part, so that parts compare
  std::vector<size_t> out;
  for (size_t i = 0; i < count; ++i) {
    size_t& least = first[parts.Find(i)];
    least = std::min(least, i);
    out.push_back(least);
  }
  return out;
}

RC_GTEST_PROP(Disputes, AreThoseOfAllPairs, ()) {
  const std::vector<Signature> signatures = AnySignatures();
  std::vector<std::set<uint16_t>> expected(signatures.size());
  for (size_t a = 0; a < signatures.size(); ++a) {
    for (size_t b = 0; b < signatures.size(); ++b) {
      if (a == b) continue;
      const auto compared = CompareNaively(signatures[a], signatures[b]);
      expected[a].insert(compared.clashing.begin(), compared.clashing.end());
    }
  }
  const auto found = Disputes(Pointers(signatures));
  RC_ASSERT(found.size() == signatures.size());
  for (size_t i = 0; i < found.size(); ++i) {
    RC_CLASSIFY(!found[i].empty(), "disputed");
    RC_ASSERT(found[i] == std::vector<uint16_t>(expected[i].begin(), expected[i].end()));
  }
}

RC_GTEST_PROP(Agreements, ConnectWhatAllPairsConnect, ()) {
  const std::vector<Signature> signatures = AnySignatures();
  std::vector<std::pair<size_t, size_t>> expected;
  for (size_t a = 0; a < signatures.size(); ++a) {
    for (size_t b = 0; b < a; ++b) {
      const auto compared = CompareNaively(signatures[a], signatures[b]);
      if (compared.agree && compared.clashing.empty()) expected.emplace_back(a, b);
    }
  }
  const Signatures pointers = Pointers(signatures);
  const auto found = Agreements(pointers, Disputes(pointers));
  RC_CLASSIFY(!found.empty(), "agree");
  RC_ASSERT(Roots(signatures.size(), found) == Roots(signatures.size(), expected));
  for (const auto& [a, b] : found) {
    const auto compared = CompareNaively(signatures[a], signatures[b]);
    RC_ASSERT(compared.agree && compared.clashing.empty());
  }
}

RC_GTEST_PROP(MergedIfClashFree, IsTheMergerOfAllOrNothing, ()) {
  const std::vector<Signature> signatures = AnySignatures();
  Signature all;
  bool clash = false;
  for (size_t a = 0; a < signatures.size(); ++a) {
    for (size_t b = 0; b < a; ++b) clash |= Clash(signatures[a], signatures[b]);
    all = Merged(all, signatures[a]);
  }
  const auto merged = MergedIfClashFree(Pointers(signatures));
  RC_CLASSIFY(!clash && signatures.size() > 2, "merged");
  RC_ASSERT(merged.has_value() == !clash);
  if (merged) RC_ASSERT(*merged == all);
}

}  // namespace
}  // namespace unirust::resolve
