// What pages cost and hold: reads bounded whatever the data, messages bounded whatever the items, cursors that say when
// they are stale. Costs are counted in rows (store::RowsRead), not measured.
#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "proto/answers.h"
#include "proto/records.h"
#include "resolve/page.h"
#include "store/store.h"
#include "tests/shard/engine_fixture.h"

namespace unirust::shard {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

template <typename Function>
uint64_t RowsReadBy(const Function& function) {
  const uint64_t before = store::RowsRead();
  function();
  return store::RowsRead() - before;
}

// Many records that share their values, of one entity each.
class Pages : public EngineTest {
 protected:
  void IngestMany(int count, const std::function<std::vector<Descriptor>(int)>& descriptors) {
    for (int i = 0; i < count;) {
      std::vector<Write> writes;
      for (const int end = std::min(count, i + 5000); i < end; ++i) {
        writes.push_back(Person("crm", std::to_string(i), descriptors(i)));
      }
      Ingest(std::move(writes));
    }
  }
};

constexpr int kMany = 12000;  // more than a page reads
static_assert(kMany > limits::kPageRowsReadMax);

TEST_F(Pages, AFirstPageReadsNoMoreThanItNeedsOfAValueThatAllShare) {
  IngestMany(kMany, [](int i) -> std::vector<Descriptor> {
    return {{"role", "admin", i % 100 == 0 ? Interval{500, 600} : Interval{0, 100}}};
  });
  const View view = engine_->Read();
  const std::vector<AttributeValue> admin = {{"role", "admin"}};
  EXPECT_LT(RowsReadBy([&] {
              EXPECT_THAT(view.FindEntities(admin, {10, 11}, 10, "")->items, SizeIs(10));
            }), 200U);
  EXPECT_LT(RowsReadBy([&] {
              EXPECT_THAT(view.FindEntities(admin, {110, 111}, 10, "")->items, IsEmpty());
            }), 50U);
  EXPECT_LT(RowsReadBy([&] {
              const auto outcome = view.Query(admin, {110, 111});
              EXPECT_THAT(std::get<std::vector<Match>>(*outcome), IsEmpty());
            }), 50U);
}

TEST_F(Pages, AConjunctionReadsTheSelectivePair) {
  IngestMany(kMany, [](int i) -> std::vector<Descriptor> {
    return {{"role", "admin", kAlways}, {"badge", std::to_string(i / 3), kAlways}};
  });
  const View view = engine_->Read();
  const std::vector<AttributeValue> pairs = {{"role", "admin"}, {"badge", "77"}};
  EXPECT_LT(RowsReadBy([&] {
              const auto page = view.FindEntities(pairs, kAlways, 0, "");
              EXPECT_THAT(page->items, SizeIs(3));
              EXPECT_EQ(page->cursor, "");
            }), 100U);
  EXPECT_LT(RowsReadBy([&] { EXPECT_TRUE(view.Query(pairs, kAlways).ok()); }), 100U);
}

TEST_F(Pages, AConjunctionReadsTheRarerOfTwoCommonPairsWhoeverIsNamedFirst) {
  IngestMany(kMany, [](int i) -> std::vector<Descriptor> {
    return {i % 4 == 0 ? Descriptor{"floor", "3", kAlways} : Descriptor{"role", "admin", kAlways}};
  });
  const View view = engine_->Read();  // nothing is flushed
  const auto rows = [&](const std::vector<AttributeValue>& pairs) {
    return RowsReadBy(
        [&] { EXPECT_THAT(view.FindEntities(pairs, kAlways, 0, "")->items, IsEmpty()); });
  };
  EXPECT_EQ(rows({{"role", "admin"}, {"floor", "3"}}), rows({{"floor", "3"}, {"role", "admin"}}));
}

TEST_F(Pages, AConjunctionOfValuesThatManyShareIsReadPageByPage) {
  IngestMany(3 * kMany, [](int i) -> std::vector<Descriptor> {
    return {{i % 2 == 0 ? "even" : "odd", "yes", kAlways}, {"role", "admin", {i, i + 1}}};
  });
  const View view = engine_->Read();
  const std::vector<AttributeValue> never = {{"even", "yes"}, {"odd", "yes"}, {"role", "admin"}};
  std::string cursor;
  size_t pages = 0;
  do {
    const uint64_t rows = RowsReadBy([&] {
      const auto page = view.FindEntities(never, kAlways, 0, cursor);
      ASSERT_TRUE(page.ok()) << page.status();
      EXPECT_THAT(page->items, IsEmpty());
      cursor = page->cursor;
    });
    EXPECT_LT(rows, 5 * limits::kPageRowsReadMax);
    ++pages;
  } while (!cursor.empty());
  EXPECT_GT(pages, 1U);
}

TEST_F(Pages, AnEntityOfManyRecordsIsFoundOnceAndReadOnceAPage) {
  SetOntology(kByEmail);
  IngestMany(kMany, [](int) -> std::vector<Descriptor> { return {Email("shared")}; });
  const View view = engine_->Read();
  const std::vector<AttributeValue> pairs = {{"email", "shared"}};
  std::vector<std::string> found;
  EXPECT_LT(RowsReadBy([&] {
              found = AllPages(
                  [&](const std::string& c) { return view.FindEntities(pairs, kAlways, 0, c); });
            }), 10U * kMany);
  EXPECT_THAT(found, SizeIs(1));
  EXPECT_LT(RowsReadBy([&] { EXPECT_TRUE(view.Query(pairs, kAlways).ok()); }), 10U * kMany);
}

TEST_F(Pages, AScanThatFindsNothingStopsAndGoesOn) {
  IngestMany(kMany, [](int) -> std::vector<Descriptor> { return {{"role", "admin", {0, 1}}}; });
  Write firm = Person("crm", "firm", {});
  firm.identity.entity_type = "firm";  // a type that is known
  Ingest({firm});
  const View view = engine_->Read();
  RecordFilter firms;
  firms.entity_type = "firm";
  firms.descriptor = {"role", "admin"};
  const auto page = view.ScanRecords(firms, 0, "");
  ASSERT_TRUE(page.ok());
  EXPECT_THAT(page->items, IsEmpty());
  EXPECT_NE(page->cursor, "");
  EXPECT_THAT(AllPages([&](const std::string& c) { return view.ScanRecords(firms, 0, c); }),
              IsEmpty());
}

TEST_F(Pages, AScanByTimeReadsWhatIsSaidThen) {
  IngestMany(kMany, [](int i) -> std::vector<Descriptor> {
    return {{"role", "admin", i % 1000 == 0 ? Interval{500, 600} : Interval{0, 1}}};
  });
  Ingest({Person("erp", "silent", {}), Person("erp", "twice",
                                              {{"a", "x", {10, 20}},
                                               {"b", "y", {15, 30}},
                                               {"a", "z", {505, 506}},
                                               {"a", "z", {509, 520}}})});
  const View view = engine_->Read();
  const auto scan = [&](const std::string& perspective, std::optional<Interval> interval) {
    RecordFilter filter;
    filter.perspective = perspective;
    filter.interval = interval;
    std::vector<std::string> found;
    EXPECT_LT(RowsReadBy([&] {
                found = AllPages([&](const std::string& cursor) {
                  return view.ScanRecords(filter, 0, cursor);
                });
              }), 200U);
    return found;
  };
  EXPECT_THAT(scan("", Interval{100, 200}), IsEmpty());
  EXPECT_THAT(scan("", Interval{505, 510}), SizeIs(kMany / 1000 + 1));
  EXPECT_THAT(scan("erp", Interval{505, 510}), SizeIs(1));
  EXPECT_THAT(scan("erp", Interval{0, 10}), IsEmpty());
  EXPECT_THAT(scan("erp", std::nullopt), SizeIs(2));
}

TEST_F(Pages, RetractedRecordsDoNotHoldUpAnExport) {
  IngestMany(kMany, [](int) { return std::vector<Descriptor>(); });
  for (int i = 0; i < kMany;) {
    std::vector<Write> writes;
    for (const int end = std::min(kMany, i + 5000); i < end; ++i) {
      writes.push_back(Gone("crm", std::to_string(i)));
    }
    Ingest(std::move(writes));
  }
  const auto range = engine_->Read().ExportRecords(0, 0, 0);
  ASSERT_TRUE(range.ok());
  EXPECT_THAT(range->records, IsEmpty());
  EXPECT_NE(range->next, 0U);
}

// --- conflicts ------------------------------------------------------------------------------------

class ConflictPages : public Pages {
 protected:
  ConflictPages() {
    SetOntology(R"({"constraints": [{"name": "one_city", "attribute": "city"},
                                    {"name": "one_zone", "attribute": "zone"}],
                    "identity_keys": [{"name": "by_email", "attributes": ["email"]}]})");
    IngestMany(4000, [](int i) -> std::vector<Descriptor> {  // half share a value, half hold two
      const Interval time{i - i % 2, i - i % 2 + 1};
      return {{"city", std::to_string(i / 2), time}, {"zone", i == 7 ? "a" : "b", {-5, -4}}};
    });
  }
};

TEST_F(ConflictPages, FiltersReadLittleBesideWhatPasses) {
  const View view = engine_->Read();
  ASSERT_GT(view.GetStats()->conflicts, 1000U);
  const auto rows_of = [&](const ConflictFilter& filter, size_t expected) {
    return RowsReadBy([&] {
      const auto page = view.ListConflicts(filter, 10, "");
      ASSERT_TRUE(page.ok()) << page.status();
      EXPECT_THAT(page->items, SizeIs(expected));
    });
  };
  EXPECT_LT(rows_of({.interval = {}, .attribute = "", .kind = {}}, 10), 40U);
  EXPECT_LT(rows_of({.interval = {}, .attribute = "nothing", .kind = {}}, 0), 40U);
  EXPECT_LT(rows_of({.interval = {}, .attribute = "zone", .kind = {}}, 1), 40U);
  EXPECT_LT(rows_of({.interval = {}, .attribute = "", .kind = ConflictKind::kIndirect}, 0), 40U);
  EXPECT_LT(rows_of({.interval = Interval{-5, 2}, .attribute = "", .kind = {}}, 2), 40U);
}

// --- sizes ----------------------------------------------------------------------------------------

TEST_F(Pages, AreBoundedInBytes) {
  const std::string large(limits::kValueBytesMax - 10, 'x');
  IngestMany(60, [&](int i) -> std::vector<Descriptor> {
    return {{"blob", large, kAlways}, {"number", std::to_string(i), kAlways}};
  });
  const View view = engine_->Read();
  const size_t few = limits::kPageBytesMax / limits::kValueBytesMax - 1;  // names and times take room too
  const auto scanned = view.ScanRecords({}, 0, "");
  EXPECT_THAT(scanned->items, SizeIs(few));
  EXPECT_THAT(view.ExportRecords(0, 0, 0)->records, SizeIs(few));
  EXPECT_THAT(ExportGraph(view, {}, 0, "")->items, SizeIs(few));
  EXPECT_THAT(view.FindEntities({{"blob", large}}, kAlways, 0, "")->items, SizeIs(few));
  EXPECT_THAT(AllPages([&](const std::string& c) { return view.ScanRecords({}, 0, c); }),
              SizeIs(60));
  EXPECT_THAT(AllPages([&](const std::string& c) { return ExportGraph(view, {}, 0, c); }),
              SizeIs(120));
  EXPECT_EQ(view.Query({{"blob", large}}, kAlways)->index(), 1U) << "a conflict is a small answer";
}

TEST_F(Pages, OfEntitiesThatAreTooLargeToBeReadTogetherHaveEachOnce) {
  const std::string large(limits::kValueBytesMax, 'x');
  constexpr int kEntities = 280;
  SetOntology(kByEmail);
  static_assert(kEntities * 4 * limits::kValueBytesMax > limits::kSweepBytes);
  IngestMany(2 * kEntities, [&](int i) -> std::vector<Descriptor> {
    return {Email(std::to_string(i / 2)), {"a", large, kAlways}, {"b", large, kAlways}};
  });
  for (const GraphPart part : {GraphPart::kEntity, GraphPart::kSameAs}) {
    const View view = engine_->Read();
    const std::vector<std::string> kept =
        AllPages([&](const std::string& c) { return ExportGraph(view, {{part}, {}}, 30, c); });
    EXPECT_EQ(kept.size(), size_t{kEntities});
    EXPECT_EQ(std::set<std::string>(kept.begin(), kept.end()).size(), size_t{kEntities});
    EXPECT_TRUE(kept == AllPages([&](const std::string& c) {
                  return ExportGraph(engine_->Read(), {{part}, {}}, 30, c);
                })) << "what a View keeps from page to page shows";
  }
}

TEST_F(Pages, PartTheItemsOfALargeEntity) {
  SetOntology(kByEmail);
  IngestMany(100, [](int) -> std::vector<Descriptor> { return {Email("shared")}; });
  const View view = engine_->Read();
  std::string cursor;
  std::vector<std::string> items;
  do {
    const auto page = ExportGraph(view, {}, 30, cursor);
    ASSERT_TRUE(page.ok());
    EXPECT_LE(page->items.size(), 30U);
    for (const proto::GraphItem& item : page->items) items.push_back(Text(item));
    cursor = page->cursor;
  } while (!cursor.empty());
  EXPECT_THAT(items, SizeIs(100 + 1 + 99));
  EXPECT_EQ(std::set<std::string>(items.begin(), items.end()).size(), items.size());
}

// The cursor stands between items of an entity that grows meanwhile: the records that it had come once more.
TEST_F(Pages, GiveAllOfAnEntityThatChangedUnderTheCursor) {
  SetOntology(kByEmail);
  const auto shared = [](int) -> std::vector<Descriptor> { return {Email("shared")}; };
  IngestMany(10, shared);
  const GraphFilter nodes{{GraphPart::kRecord, GraphPart::kEntity}, {}};
  const auto page = ExportGraph(engine_->Read(), nodes, 4, "");
  ASSERT_TRUE(page.ok());
  std::set<std::string> items;
  for (const proto::GraphItem& item : page->items) items.insert(Text(item));
  IngestMany(20, shared);  // the first ten are known
  for (const std::string& item : AllPages([&](const std::string& c) {
         return ExportGraph(engine_->Read(), nodes, 7, c.empty() ? page->cursor : c);
       })) {
    items.insert(item);
  }
  EXPECT_THAT(items, SizeIs(20 + 1));
}

TEST_F(Pages, QueriesWithAnswersTooLargeAreRefused) {
  const std::string large(limits::kValueBytesMax - 10, 'x');
  IngestMany(60, [&](int i) -> std::vector<Descriptor> {
    return {{"blob", large, {i, i + 1}}, {"number", std::to_string(i), kAlways}};
  });
  const auto outcome = engine_->Read().Query({{"blob", large}}, kAlways);
  EXPECT_EQ(outcome.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(outcome.status().message()), HasSubstr("FindEntities"));
}

// Thousands of times, each with hundreds of golden values: far more than any answer, or any page, may hold.
std::vector<Descriptor> ManyTimesOf(const std::string& name) {
  std::vector<Descriptor> out = {{"tax", name, kAlways}};
  for (int i = 0; i < 2000; ++i) out.push_back({"role", "admin", {2 * i, 2 * i + 1}});
  for (int i = 0; i < 300; ++i) out.push_back({"a" + std::to_string(i), name, kAlways});
  return out;
}

TEST_F(Pages, PartTheMatchesOfAnEntity) {
  IngestMany(1, [](int) { return ManyTimesOf("one"); });
  const View view = engine_->Read();
  for (const size_t page_size : {1U, 70U, 100'000U}) {
    std::string cursor;
    Instant next = 0;
    do {
      const auto page = view.FindEntities({{"role", "admin"}}, kAlways, page_size, cursor);
      ASSERT_TRUE(page.ok()) << page.status();
      ASSERT_LE(page->items.size(), std::min<size_t>(page_size, 200)) << "for their bytes";
      for (const Match& match : page->items) {
        ASSERT_EQ(match.interval, (Interval{2 * next, 2 * next + 1}));
        ASSERT_THAT(match.golden, SizeIs(1 + 1 + 300));
        ++next;
      }
      cursor = page->cursor;
    } while (!cursor.empty());
    EXPECT_EQ(next, 2000);
  }
}

TEST_F(Pages, AQueryOfAnEntityThatMatchesAtManyTimesIsRefused) {
  IngestMany(1, [](int) { return ManyTimesOf("one"); });
  const auto outcome = engine_->Read().Query({{"role", "admin"}}, kAlways);
  EXPECT_EQ(outcome.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(outcome.status().message()), HasSubstr("FindEntities"));
}

TEST_F(Pages, AConflictOfEntitiesThatMatchAtManyTimesIsWhole) {
  IngestMany(2, [](int i) { return ManyTimesOf(i == 0 ? "one" : "two"); });
  const auto outcome = engine_->Read().Query({{"role", "admin"}}, kAlways);
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  const auto& conflict = std::get<QueryConflict>(*outcome);
  EXPECT_EQ(conflict.interval, (Interval{0, 1}));
  for (const Match& match : {conflict.first, conflict.second}) {
    EXPECT_EQ(match.interval, conflict.interval);
    EXPECT_THAT(match.golden, SizeIs(1 + 1 + 300));
    for (const GoldenValue& value : match.golden) EXPECT_EQ(value.interval, conflict.interval);
  }
}

TEST_F(ConflictPages, ItemsTakeNoMoreBytesThanTheyAreCountedFor) {
  IngestMany(3, [](int i) -> std::vector<Descriptor> {
    return {Email("\x01%/"), {"city", std::string(static_cast<size_t>(i) * 300, '/'), {i, 9}}};
  });
  const View view = engine_->Read();
  std::string cursor;
  do {
    const auto page = view.ListConflicts({}, 0, cursor);
    ASSERT_TRUE(page.ok());
    for (const Conflict& conflict : page->items) {
      proto::ExportGraphChunk chunk;
      proto::ToProto(conflict, chunk.add_items());
      EXPECT_LE(chunk.ByteSizeLong(), resolve::MessageBytes(conflict)) << Text(conflict);
    }
    cursor = page->cursor;
  } while (!cursor.empty());
  const auto found = view.FindEntities({{"zone", "b"}}, kAlways, 0, "");
  ASSERT_TRUE(found.ok());
  for (const Match& match : found->items) {
    EXPECT_LE(proto::ToProto(match, 0xFFFFFFFF).ByteSizeLong() + 4, resolve::MessageBytes(match));
  }
}

// --- cursors --------------------------------------------------------------------------------------

class Cursors : public ConflictPages {
 protected:
  struct Listed {
    std::string cursor;
    std::function<absl::Status(const View&, const std::string&)> go_on;
  };

  // Every listing, with a cursor of it.
  std::vector<Listed> Listings() {
    const View view = engine_->Read();
    const std::vector<AttributeValue> pairs = {{"zone", "b"}};
    return {{view.ScanRecords({}, 1, "")->cursor,
             [](const View& v, const std::string& c) { return v.ScanRecords({}, 1, c).status(); }},
            {view.ListConflicts({}, 1, "")->cursor,
             [](const View& v, const std::string& c) { return v.ListConflicts({}, 1, c).status(); }},
            {ExportGraph(view, {}, 1, "")->cursor,
             [](const View& v, const std::string& c) { return ExportGraph(v, {}, 1, c).status(); }},
            {view.FindEntities(pairs, kAlways, 1, "")->cursor,
             [pairs](const View& v, const std::string& c) {
               return v.FindEntities(pairs, kAlways, 1, c).status();
             }}};
  }

  void ExpectAll(const std::vector<Listed>& listings, const View& view, absl::StatusCode code) {
    for (const Listed& listed : listings) {
      ASSERT_NE(listed.cursor, "");
      EXPECT_EQ(listed.go_on(view, listed.cursor).code(), code);
    }
  }
};

TEST_F(Cursors, AreRefusedWithAnyByteChangedOrMissing) {
  const View view = engine_->Read();
  for (const Listed& listed : Listings()) {
    for (size_t at = 0; at < listed.cursor.size(); ++at) {
      std::string changed = listed.cursor;
      for (const int by : {1, 0x80, 0xFF}) {
        changed[at] = static_cast<char>(listed.cursor[at] ^ by);
        EXPECT_EQ(listed.go_on(view, changed).code(), absl::StatusCode::kInvalidArgument);
      }
      if (at == 0) continue;
      EXPECT_EQ(listed.go_on(view, listed.cursor.substr(0, at)).code(),
                absl::StatusCode::kInvalidArgument);
    }
  }
}

TEST_F(Cursors, HoldAcrossWritesAndRestarts) {
  const std::vector<Listed> listings = Listings();
  Ingest({Person("erp", "new", {Email("new")})});
  Reopen();
  ExpectAll(listings, engine_->Read(), absl::StatusCode::kOk);
}

TEST_F(Cursors, AreStaleOnceTheOntologyChanged) {
  const std::vector<Listed> listings = Listings();
  {
    const View before = engine_->Read();
    SetOntology(kByEmail);
    ExpectAll(listings, engine_->Read(), absl::StatusCode::kFailedPrecondition);
    ExpectAll(listings, before, absl::StatusCode::kOk);
  }
  Reopen();
  ExpectAll(listings, engine_->Read(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(Cursors, AreStaleAfterAReset) {
  const std::vector<Listed> listings = Listings();
  options_.allow_reset = true;
  Reopen();
  ASSERT_TRUE(engine_->Reset().ok());
  ExpectAll(listings, engine_->Read(), absl::StatusCode::kFailedPrecondition);
  Reopen();
  ExpectAll(listings, engine_->Read(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(Cursors, OfAnotherStoreAreRefused) {
  const std::vector<Listed> listings = Listings();
  options_.data_dir = temp_.path() + "/other";
  Reopen();
  ExpectAll(listings, engine_->Read(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace unirust::shard
