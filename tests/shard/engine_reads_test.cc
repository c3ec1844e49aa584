// What a View answers: listings in pages, cursors, filters, counts. The oracle judges what the
// answers mean (tests/e2e/oracle_test.py); here every listing is compared with what it was cut
// from.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/limits.h"
#include "tests/shard/engine_fixture.h"

namespace unirust::shard {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAreArray;

constexpr char kRich[] = R"({
  "identity_keys": [{"name": "by_email", "attributes": ["email"], "max_group": 6},
                    {"name": "by_city", "attributes": ["city"]}],
  "strong_identifiers": [{"attribute": "tax", "scope": "global"}],
  "constraints": [{"name": "one_email", "attribute": "email"},
                  {"name": "one_city", "attribute": "city", "kind": "unique_within_perspective"}]})";

// Some hundred records with every kind of conflict.
class Reads : public EngineTest {
 protected:
  Reads() {
    SetOntology(kRich);
    std::mt19937 random(7);
    const auto pick = [&](int count) {
      return static_cast<int>(random() % static_cast<unsigned>(count));
    };
    std::vector<Write> writes;
    for (int i = 0; i < 300; ++i) {
      Write write = Person("p" + std::to_string(pick(3)), std::to_string(i));
      if (pick(4) == 0) write.identity.entity_type = "firm";
      for (int d = pick(4); d >= 0; --d) {
        const char* attribute =
            std::vector<const char*>{"email", "city", "tax"}[static_cast<size_t>(pick(3))];
        const Instant start = pick(10);
        const Interval interval = pick(3) == 0 ? kAlways : Interval{start, start + 1 + pick(20)};
        write.descriptors.push_back({attribute, attribute + std::to_string(pick(60)), interval});
      }
      writes.push_back(std::move(write));
    }
    Ingest(std::move(writes));
    Ingest({Gone("p0", "1"), Gone("p1", "2"), Gone("p2", "3")});
  }

  std::vector<RecordView> Live() {
    std::vector<RecordView> out;
    const View view = engine_->Read();
    for (uint32_t next = 0;;) {
      const auto range = view.ExportRecords(next, 0, 17).value();
      out.insert(out.end(), range.records.begin(), range.records.end());
      if (range.next == 0) return out;
      next = range.next;
    }
  }
};

std::vector<RecordFilter> RecordFilters() {
  std::vector<RecordFilter> out;
  for (const std::string type : {"", "person", "nobody"}) {
    for (const std::string perspective : {"", "p1"}) {
      for (const bool by_value : {false, true}) {
        for (const bool by_time : {false, true}) {
          RecordFilter filter{
              .descriptor = {}, .entity_type = type, .perspective = perspective, .interval = {}};
          if (by_value) filter.descriptor = {"city", "city7"};
          if (by_time) filter.interval = Interval{3, 5};
          out.push_back(filter);
        }
      }
    }
  }
  return out;
}

bool Passes(const RecordView& view, const RecordFilter& filter) {
  const Record& r = view.record;
  if (!filter.entity_type.empty() && r.identity.entity_type != filter.entity_type) return false;
  if (!filter.perspective.empty() && r.identity.perspective != filter.perspective) return false;
  if (!filter.descriptor && !filter.interval) return true;
  return std::any_of(r.descriptors.begin(), r.descriptors.end(), [&](const Descriptor& d) {
    return (!filter.descriptor || std::pair(d.attribute, d.value) == *filter.descriptor) &&
           (!filter.interval || Overlaps(d.interval, *filter.interval));
  });
}

// --- pages ---------------------------------------------------------------------------------------

TEST_F(Reads, ScansGiveEachRecordThatPassesOnceInPagesOfAnySize) {
  const View view = engine_->Read();
  const std::vector<RecordView> live = Live();
  EXPECT_EQ(live.size(), Records());
  for (const RecordFilter& filter : RecordFilters()) {
    std::vector<std::string> expected;
    for (const RecordView& record : live) {
      if (Passes(record, filter)) expected.push_back(Text(record));
    }
    const auto all = AllPages([&](const std::string& c) { return view.ScanRecords(filter, 0, c); });
    EXPECT_THAT(all, UnorderedElementsAreArray(expected));
    for (const size_t size : {1, 3}) {
      EXPECT_EQ(AllPages([&](const std::string& c) { return view.ScanRecords(filter, size, c); }),
                all);
    }
  }
}

TEST_F(Reads, ScansNameTheEntityOfEachRecord) {
  const View view = engine_->Read();
  const auto page = view.ScanRecords({}, 50, "");
  for (const RecordView& record : page->items) {
    EXPECT_EQ(record.entity_name, view.GetEntity(record.record.identity, std::nullopt)->ref.name);
  }
}

std::vector<ConflictFilter> ConflictFilters() {
  std::vector<ConflictFilter> out = {{}};
  for (const ConflictKind kind :
       {ConflictKind::kConstraintViolation, ConflictKind::kDirect, ConflictKind::kIndirect}) {
    out.push_back({.interval = {}, .attribute = "", .kind = kind});
    out.push_back({.interval = Interval{3, 4}, .attribute = "city", .kind = kind});
  }
  out.push_back({.interval = {}, .attribute = "email", .kind = {}});
  out.push_back({.interval = Interval{3, 4}, .attribute = "", .kind = {}});
  out.push_back({.interval = {}, .attribute = "none", .kind = {}});
  return out;
}

TEST_F(Reads, ConflictsAreSortedAndFilteredInPagesOfAnySize) {
  const View view = engine_->Read();
  const std::vector<Conflict> all = view.ListConflicts({}, limits::kPageItemsMax, "")->items;
  std::set<ConflictKind> kinds;
  for (const Conflict& c : all) kinds.insert(c.kind);
  EXPECT_THAT(kinds, SizeIs(3)) << "the data have every kind";
  for (const ConflictFilter& filter : ConflictFilters()) {
    std::vector<std::string> expected;
    for (const Conflict& c : all) {
      const bool passes = (!filter.kind || c.kind == *filter.kind) &&
                          (filter.attribute.empty() || c.attribute == filter.attribute) &&
                          (!filter.interval || Overlaps(c.interval, *filter.interval));
      if (passes) expected.push_back(Text(c));
    }
    for (const size_t size : {0, 1, 7}) {
      EXPECT_EQ(AllPages([&](const std::string& c) { return view.ListConflicts(filter, size, c); }),
                expected);
    }
  }
  const auto order = [](const Conflict& c) {
    std::vector<std::string> records;
    for (const Identity& r : c.records) records.push_back(RecordName(r));
    return std::tuple(c.kind, c.attribute, c.interval, c.cause, records, c.key, c.values);
  };
  for (size_t i = 1; i < all.size(); ++i) EXPECT_LT(order(all[i - 1]), order(all[i]));
}

TEST_F(Reads, GraphComesInPagesOfAnySizeAndByParts) {
  const auto all = Everything(*engine_);
  for (const size_t size : {1, 2, 50}) EXPECT_EQ(Everything(*engine_, size), all);
  const View view = engine_->Read();
  std::vector<std::string> parts;
  for (const GraphPart part : {GraphPart::kGeneric, GraphPart::kSameAs, GraphPart::kRecord,
                               GraphPart::kConflict, GraphPart::kEntity}) {
    const auto one = AllPages([&](const std::string& c) {
      return ExportGraph(view, {{part}, {}}, 1, c);
    });
    EXPECT_THAT(one, ::testing::Not(IsEmpty()));
    parts.insert(parts.end(), one.begin(), one.end());
  }
  EXPECT_THAT(parts, UnorderedElementsAreArray(all));
}

TEST_F(Reads, FoundEntitiesComeInPagesOfAnySize) {
  const View view = engine_->Read();
  for (int i = 0; i < 60; ++i) {
    const std::vector<AttributeValue> pairs = {{"email", "email" + std::to_string(i)}};
    const auto find = [&](size_t size) {
      auto found = AllPages(
          [&](const std::string& c) { return view.FindEntities(pairs, kAlways, size, c); });
      std::sort(found.begin(), found.end());
      return found;
    };
    const auto all = find(0);
    EXPECT_EQ(find(1), all);
    const auto answer = view.Query(pairs, kAlways);
    const auto* matches = std::get_if<std::vector<Match>>(&*answer);
    if (matches == nullptr) continue;
    std::vector<std::string> texts;
    for (const Match& m : *matches) texts.push_back(Text(m));
    EXPECT_THAT(texts, UnorderedElementsAreArray(all));
  }
}

// --- cursors -------------------------------------------------------------------------------------

TEST_F(Reads, ACursorGoesOnInALaterViewAndAfterARestart) {
  const auto all =
      AllPages([&](const std::string& c) { return engine_->Read().ScanRecords({}, 0, c); });
  std::vector<std::string> read;
  std::string cursor;
  do {
    const auto page = engine_->Read().ScanRecords({}, 40, cursor);
    ASSERT_TRUE(page.ok());
    for (const RecordView& item : page->items) read.push_back(Text(item));
    cursor = page->cursor;
    Reopen();
  } while (!cursor.empty());
  EXPECT_EQ(read, all);
}

TEST_F(Reads, ACursorOfAnotherListingOrOtherArgumentsIsRefused) {
  const View view = engine_->Read();
  const std::vector<AttributeValue> pairs = {{"tax", "tax1"}};
  const std::string records = view.ScanRecords({}, 1, "")->cursor;
  const std::string conflicts = view.ListConflicts({}, 1, "")->cursor;
  const std::string graph = ExportGraph(view, {}, 1, "")->cursor;
  RecordFilter persons;
  persons.entity_type = "person";
  for (const absl::Status& status :
       {view.ScanRecords({}, 1, conflicts).status(), view.ScanRecords(persons, 1, records).status(),
        view.ListConflicts({}, 1, graph).status(),
        view.ListConflicts({.interval = {}, .attribute = "tax", .kind = {}}, 1, conflicts).status(),
        ExportGraph(view, {}, 1, records).status(),
        ExportGraph(view, {{GraphPart::kEntity}, {}}, 1, graph).status(),
        view.FindEntities(pairs, kAlways, 1, records).status(),
        view.ScanRecords({}, 1, "made up").status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("cursor"));
  }
}

// --- counts --------------------------------------------------------------------------------------

TEST_F(Reads, StatsAreTheCountsOfTheExport) {
  for (int round = 0; round < 3; ++round) {
    StoreStats counted;
    const View view = engine_->Read();
    const auto page = ExportGraph(view, {}, limits::kPageItemsMax, "");
    ASSERT_TRUE(page.ok()) << page.status();
    ASSERT_EQ(page->cursor, "");  // all of it
    for (const auto& item : page->items) {
      if (item.has_record()) ++counted.records, ++counted.graph_edges;
      if (item.has_entity()) ++counted.entities;
      if (item.has_same_as()) ++counted.graph_edges;
      if (item.has_conflict()) {
        ++counted.conflicts;
        counted.graph_edges += static_cast<size_t>(item.conflict_nodes_size()) - 1;
      }
    }
    const StoreStats stats = *view.GetStats();
    EXPECT_EQ(stats.records, counted.records);
    EXPECT_EQ(stats.entities, counted.entities);
    EXPECT_EQ(stats.conflicts, counted.conflicts);
    EXPECT_EQ(stats.graph_edges, counted.graph_edges);
    if (round == 0)
      Ingest(
          {Gone("p0", "10"), Person("p1", "20", {{"city", "city7", kAlways}}), Gone("p2", "30")});
    if (round == 1) SetOntology(kByEmail);
  }
}

TEST_F(Reads, IdRangeSpansTheLiveRecords) {
  const std::vector<RecordView> live = Live();
  const RecordIdRange range = *engine_->Read().GetRecordIdRange();
  EXPECT_FALSE(range.empty);
  EXPECT_EQ(range.records, live.size());
  EXPECT_EQ(range.min, live.front().id);
  EXPECT_EQ(range.max, live.back().id);
  const View view = engine_->Read();
  const auto inner = view.ExportRecords(live[5].id.value(), live[9].id.value(), 0).value();
  EXPECT_THAT(inner.records, SizeIs(4));
  EXPECT_EQ(inner.next, 0U);
  EXPECT_THAT(view.ExportRecords(live.back().id.value() + 1, 0, 0)->records, IsEmpty());
}

TEST_F(EngineTest, AConflictListsTheFirstHundredRecordsAndCountsAll) {
  SetOntology(kByEmail);
  std::vector<Write> writes;
  for (int i = 0; i <= static_cast<int>(limits::kConflictNamesMax); ++i) {
    writes.push_back(Person("crm", std::to_string(1000 + i),
                            {Email("a"), {"city", std::to_string(i % 2), kAlways}}));
  }
  Ingest(std::move(writes));
  const auto conflicts = engine_->Read().ListConflicts({}, 0, "")->items;
  ASSERT_THAT(conflicts, SizeIs(1));
  EXPECT_THAT(conflicts[0].records, SizeIs(limits::kConflictNamesMax));
  EXPECT_EQ(conflicts[0].records.back().uid, "1099");
  EXPECT_EQ(conflicts[0].record_count, limits::kConflictNamesMax + 1);
  EXPECT_EQ(engine_->Read().GetStats()->graph_edges, 101U + 100U + 99U)
      << "member_of, same_as, conflicts_with";
}

// --- queries -------------------------------------------------------------------------------------

TEST_F(EngineTest, QueriesMatchOverTheTimesAtWhichEveryPairIsHeld) {
  SetOntology(kByEmail);
  Ingest({Person("crm", "1", {Email("a"), {"city", "x", {0, 10}}}),
          Person("erp", "1", {Email("a"), {"phone", "5", {5, 20}}})});
  const View view = engine_->Read();
  const auto matches = [&](const std::vector<AttributeValue>& pairs, Interval interval) {
    std::vector<std::string> out;
    const auto outcome = view.Query(pairs, interval).value();
    for (const Match& m : std::get<std::vector<Match>>(outcome))
      out.push_back(m.entity.name + " " + Text(m.interval));
    return out;
  };
  EXPECT_THAT(matches({{"city", "x"}, {"phone", "5"}}, kAlways), ElementsAre("person/crm/1 5..10"));
  EXPECT_THAT(matches({{"city", "x"}, {"phone", "5"}}, {7, 8}), ElementsAre("person/crm/1 7..8"));
  EXPECT_THAT(matches({{"city", "x"}, {"phone", "5"}}, {10, 20}), IsEmpty());
  EXPECT_THAT(matches({{"city", "y"}}, kAlways), IsEmpty());
  EXPECT_THAT(matches({{"never", "used"}}, kAlways), IsEmpty());
  EXPECT_THAT(matches({}, kAlways), IsEmpty());
  EXPECT_EQ(view.Query({{"city", "x"}}, {5, 5}).status().code(),
            absl::StatusCode::kInvalidArgument);
  const std::vector<AttributeValue> many(limits::kQueryDescriptorsMax + 1, {"city", "x"});
  EXPECT_EQ(view.Query(many, kAlways).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(view.FindEntities(many, kAlways, 0, "").status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(EngineTest, TwoEntitiesOfOneTypeAtOneTimeAreAConflict) {
  Ingest(
      {Person("crm", "1", {{"city", "x", {0, 10}}}),
       Person("erp", "2", {{"city", "x", {5, 20}}}),
       {.identity = {"firm", "a", "3"}, .version = {}, .descriptors = {{"city", "x", kAlways}}}});
  const auto outcome = engine_->Read().Query({{"city", "x"}}, kAlways).value();
  const auto& conflict = std::get<QueryConflict>(outcome);
  EXPECT_EQ(conflict.interval, (Interval{5, 10}));
  EXPECT_EQ(conflict.first.entity.name, "person/crm/1");
  EXPECT_EQ(conflict.second.entity.name, "person/erp/2");
  const auto early = engine_->Read().Query({{"city", "x"}}, {0, 5}).value();
  EXPECT_THAT(std::get<std::vector<Match>>(early), SizeIs(2)) << "of two types";
}

// --- neighbourhoods ------------------------------------------------------------------------------

TEST_F(EngineTest, ANeighbourhoodIsWhatTouchesTheEntities) {
  SetOntology(kByEmail);
  Ingest({Person("crm", "1", {Email("a"), Tax("7")}), Person("erp", "1", {Email("a"), Tax("7")}),
          Person("web", "1", {Email("a"), Tax("8")}), Person("crm", "9", {Email("z")})});
  const View view = engine_->Read();
  const auto around = [&](const Identity& record) {
    return AllPages([&](const std::string& c) { return ExportGraph(view, {{}, {record}}, 0, c); });
  };
  const auto one = around({"person", "erp", "1"});
  EXPECT_THAT(one, ::testing::Contains(HasSubstr("entity person/crm/1")));
  EXPECT_THAT(one, ::testing::Contains(HasSubstr("conflict indirect")));
  EXPECT_THAT(one, ::testing::Not(::testing::Contains(HasSubstr("crm/9"))));
  EXPECT_THAT(around({"person", "crm", "9"}), SizeIs(2)) << "the record and its entity";
  EXPECT_EQ(ExportGraph(view, {{}, {{"person", "no", "1"}}}, 0, "").status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(ExportGraph(view, {{}, {{"person", "crm", "9"}}}, 0, "cursor").status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace unirust::shard
