// Conflicts inside an entity, and between holders of one value, against semantics.md, 8, taken literally.
#include "resolve/conflicts.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "tests/resolve/fixture.h"

namespace unirust::resolve {
namespace {

struct Said {
  size_t record;
  std::string value;
  Interval interval;
};

std::vector<Said> AnySaid(size_t records) {
  std::vector<Said> out;
  for (const Interval& interval : *gen::AnyIntervals()) {
    const size_t record = *rc::gen::inRange<size_t>(0, records);
    out.push_back({record, std::string(1, "abc"[*rc::gen::inRange(0, 3)]), interval});
  }
  return out;
}

// Start, end, keys that are held, holders by uid.
using Entry = std::tuple<Instant, Instant, std::set<std::string>, std::set<std::string>>;

// Neighbouring pieces of time in which the same keys, two or more, are held. `key_of` says what a holding counts for.
template <typename KeyOf>
std::vector<Entry> Expected(const std::vector<Said>& said, const KeyOf& key_of) {
  std::vector<Interval> intervals;
  for (const Said& s : said) intervals.push_back(s.interval);
  std::vector<Entry> out;
  for (const Interval& piece : ElementaryIntervals(intervals)) {
    std::set<std::string> keys;
    std::set<std::string> holders;
    for (const Said& s : said) {
      if (!Covers(s.interval, piece)) continue;
      keys.insert(key_of(s));
      holders.insert(std::to_string(s.record));
    }
    if (keys.size() < 2) continue;
    if (!out.empty() && std::get<1>(out.back()) == piece.start &&
        std::get<2>(out.back()) == keys) {
      std::get<1>(out.back()) = piece.end;
      std::get<3>(out.back()).insert(holders.begin(), holders.end());
    } else {
      out.emplace_back(piece.start, piece.end, keys, holders);
    }
  }
  return out;
}

Entry Found(const Conflict& conflict) {
  Entry out{conflict.interval.start, conflict.interval.end, {}, {}};
  std::get<2>(out).insert(conflict.values.begin(), conflict.values.end());
  for (const Identity& record : conflict.records) std::get<3>(out).insert(record.uid);
  RC_ASSERT(conflict.record_count == conflict.records.size());
  RC_ASSERT(std::is_sorted(conflict.records.begin(), conflict.records.end()));
  return out;
}

std::vector<store::RecordRow> Rows(Compiled& compiled, const std::vector<Said>& said,
                                   size_t records) {
  std::vector<store::RecordRow> rows;
  for (size_t i = 0; i < records; ++i) {
    std::vector<Descriptor> descriptors;
    for (const Said& s : said) {
      if (s.record == i) descriptors.push_back({"role", s.value, s.interval});
    }
    rows.push_back(compiled.Record(i % 2 == 0 ? "crm" : "web", descriptors));
    rows.back().uid = std::to_string(i);
  }
  return rows;
}

RC_GTEST_PROP(EntityConflicts, AreTheTimesWithSeveralValues, ()) {
  constexpr size_t kRecords = 4;
  Compiled compiled("{}");
  const std::vector<Said> said = AnySaid(kRecords);
  const std::vector<store::RecordRow> rows = Rows(compiled, said, kRecords);
  std::vector<const store::RecordRow*> records;
  for (const store::RecordRow& row : rows) records.push_back(&row);
  Names names(compiled.interner);
  std::vector<Entry> found;
  for (const Conflict& conflict : EntityConflicts(records, compiled.rules, names)) {
    RC_ASSERT(conflict.attribute == "role");
    found.push_back(Found(conflict));
  }
  RC_CLASSIFY(!found.empty(), "conflict");
  RC_ASSERT(found == Expected(said, [](const Said& s) { return s.value; }));
}

RC_GTEST_PROP(SharedValueConflicts, AreTheTimesWithSeveralEntities, ()) {
  constexpr size_t kRecords = 6;
  Compiled compiled(R"({"constraints": [{"name": "one", "attribute": "role"}]})");
  std::vector<Said> said = AnySaid(kRecords);
  for (Said& s : said) s.value = "a";
  const std::vector<store::RecordRow> rows = Rows(compiled, said, kRecords);
  const auto entity_of = [](const Said& s) { return s.record / 2; };
  std::vector<SharedClaim> claims;
  for (const Said& s : said) claims.push_back({s.interval, &rows[s.record], entity_of(s)});
  Names names(compiled.interner);
  const std::vector<Conflict> conflicts =
      SharedValueConflicts(compiled.rules.constraints()[0], "a", claims, names);
  std::vector<Entry> expected =
      Expected(said, [&](const Said& s) { return std::to_string(entity_of(s)); });
  for (Entry& entry : expected) std::get<2>(entry) = {"a"};
  std::vector<Entry> found;
  for (const Conflict& conflict : conflicts) found.push_back(Found(conflict));
  RC_CLASSIFY(!found.empty(), "conflict");
  RC_ASSERT(found == expected);
}

TEST(EntityConflicts, ListTheFirstHoldersAndCountAll) {
  constexpr size_t kMany = 250;
  Compiled compiled("{}");
  std::vector<Said> said;
  for (size_t i = 0; i < kMany; ++i) said.push_back({i, i % 2 == 0 ? "a" : "b", {0, 9}});
  const std::vector<store::RecordRow> rows = Rows(compiled, said, kMany);
  std::vector<const store::RecordRow*> records;
  for (const store::RecordRow& row : rows) records.insert(records.begin(), &row);
  Names names(compiled.interner);
  const std::vector<Conflict> conflicts = EntityConflicts(records, compiled.rules, names);
  ASSERT_EQ(conflicts.size(), 1U);
  EXPECT_EQ(conflicts[0].record_count, kMany);
  ASSERT_EQ(conflicts[0].records.size(), 100U);
  std::set<std::string> crm;  // the first 100 of 125, as text
  for (size_t i = 0; i < kMany; i += 2) crm.insert(std::to_string(i));
  EXPECT_EQ(conflicts[0].records.front().uid, *crm.begin());
  EXPECT_EQ(conflicts[0].records.back().uid, *std::next(crm.begin(), 99));
}

}  // namespace
}  // namespace unirust::resolve
