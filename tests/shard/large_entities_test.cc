// Conflicts inside entities of very many records, which are kept row by row (resolve/large_entity.h), against
// semantics.md, 8, taken literally; and against a fresh resolution, as all that is stored.
//
// UNIRUST_LARGE_ENTITY_SEEDS and UNIRUST_FIRST_SEED choose the histories; a failure prints its seed.
#include <set>
#include <tuple>

#include "base/limits.h"
#include "tests/shard/incremental_fixture.h"

namespace unirust::shard {
namespace {

constexpr uint64_t kUsualSeeds = 3;  // some seconds each

// Records with one value of `k` are one entity. `unit` must be unique within each perspective, `role` everywhere.
constexpr char kOntology[] = R"({
  "identity_keys": [{"name": "by_k", "attributes": ["k"]}],
  "constraints": [{"name": "one_unit", "attribute": "unit", "kind": "unique_within_perspective"},
                  {"name": "one_role", "attribute": "role", "kind": "unique"}],
  "attributes": {"k": {"multi_valued": true}, "note": {"multi_valued": true}}
})";

class LargeEntitiesTest : public IncrementalTest {
 protected:
  void SetUp() override { Start(ontology::ParseOntology(kOntology).value()); }

  // Times that meet, overlap and cover each other, or anything.
  static Interval SomeTime(Dice& dice) {
    static const std::vector<Interval> kUsual = {kAlways, {0, 10}, {10, 20}, {0, 20}, {20, 30},
                                                 {10, 30}, {kMinTime, 0}, {30, kMaxTime}};
    if (!dice.OneIn(12)) return kUsual[dice.Below(kUsual.size())];
    const auto start = static_cast<Instant>(dice.Below(30));
    return {start, start + 1 + static_cast<Instant>(dice.Below(10))};
  }

  // Symbols are numbered as they come, which is not the order of their texts.
  static std::string Perspective(size_t number) { return std::string(1, "qpr"[number % 3]); }

  // `few`: how many say what few say, one in so many.
  static Write RecordOf(Dice& dice, size_t number, size_t few) {
    Write write = Person(Perspective(number), std::to_string(number));
    const auto add = [&](const std::string& attribute, std::string value, Interval time) {
      write.descriptors.push_back({attribute, std::move(value), time});
    };
    add("k", dice.OneIn(10) ? "y" : "x", kAlways);
    add("serial", std::to_string(number), kAlways);
    if (!dice.OneIn(5)) add("city", std::to_string(dice.Below(3)), kAlways);
    if (dice.OneIn(20)) add("city", "nowhere", kAlways);
    if (dice.OneIn(3)) add("text", std::string(80, 'a') + std::to_string(dice.Below(2)), kAlways);
    for (const std::string attribute : {"role", "unit", "shift", "note", "rare", "seldom"}) {
      const bool often = attribute != "rare" && attribute != "seldom";
      if (often ? dice.OneIn(3) : !dice.OneIn(few)) continue;
      for (size_t n = 1 + dice.Below(2); n > 0; --n) {
        add(attribute, std::string(1, "abc"[dice.Below(dice.OneIn(9) ? 3 : 2)]), SomeTime(dice));
      }
    }
    return write;
  }

  // What ListConflicts must say of conflicts inside entities, as text.
  std::vector<std::string> Expected() const {
    std::map<std::string, std::vector<const Write*>> entities;  // in canonical order
    for (const auto& [identity, write] : live_) {
      for (const Descriptor& d : write.descriptors) {
        if (d.attribute == "k") entities[d.value].push_back(&write);
      }
    }
    std::vector<std::string> out;
    for (const auto& [k, records] : entities) {
      for (const std::string attribute : {"city", "rare", "role", "seldom", "serial", "shift", "text",
                                          "unit"}) {
        Add(ConflictKind::kDirect, "", attribute, records, &out);
        if (attribute == "role") {
          Add(ConflictKind::kConstraintViolation, "one_role", attribute, records, &out);
        }
        if (attribute != "unit") continue;
        for (const std::string perspective : {"p", "q", "r"}) {
          std::vector<const Write*> own;
          for (const Write* write : records) {
            if (write->identity.perspective == perspective) own.push_back(write);
          }
          Add(ConflictKind::kConstraintViolation, "one_unit", attribute, own, &out);
        }
      }
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  static void Add(ConflictKind kind, const std::string& cause, const std::string& attribute,
                  const std::vector<const Write*>& records, std::vector<std::string>* out) {
    std::set<Instant> cuts;
    for (const Write* write : records) {
      for (const Descriptor& d : write->descriptors) {
        if (d.attribute == attribute) cuts.insert({d.interval.start, d.interval.end});
      }
    }
    std::optional<Conflict> open;
    std::set<const Write*> holders;
    const auto close = [&] {
      if (!open) return;
      for (const Write* write : records) {
        if (!holders.contains(write)) continue;
        if (open->records.size() < limits::kConflictNamesMax) {
          open->records.push_back(write->identity);
        }
      }
      open->record_count = holders.size();
      out->push_back(Text(*open));
      open.reset();
      holders.clear();
    };
    for (auto it = cuts.begin(); it != cuts.end() && std::next(it) != cuts.end(); ++it) {
      std::set<std::string> values;
      std::set<const Write*> here;
      for (const Write* write : records) {
        for (const Descriptor& d : write->descriptors) {
          if (d.attribute != attribute || d.interval.start > *it || d.interval.end <= *it) continue;
          values.insert(d.value);
          here.insert(write);
        }
      }
      const std::vector<std::string> listed(values.begin(), values.end());
      if (!open || open->values != listed) close();
      if (values.size() < 2) continue;
      if (!open) {
        open.emplace();
        open->kind = kind;
        open->cause = cause;
        open->attribute = attribute;
        open->interval.start = *it;
        open->values = listed;
        open->entity_type = "person";
      }
      open->interval.end = *std::next(it);
      holders.insert(here.begin(), here.end());
    }
    close();
  }

  static std::vector<std::string> Without(const std::vector<std::string>& all,
                                          const std::vector<std::string>& others) {
    std::vector<std::string> out;
    std::set_difference(all.begin(), all.end(), others.begin(), others.end(),
                        std::back_inserter(out));
    return out;
  }

  // Retracts the first records that there are.
  void AddFirstGone(size_t count, std::vector<Write>* batch) const {
    for (auto it = live_.begin(); it != live_.end() && count > 0; ++it, --count) {
      batch->push_back(Gone(it->first.perspective, it->first.uid));
    }
  }

  void ExpectConflicts() const {
    const View view = engine_->Read();
    std::vector<std::string> found;
    std::string cursor;
    do {
      const Page<Conflict> page = view.ListConflicts({}, 0, cursor).value();
      for (const Conflict& entry : page.items) {
        if (entry.values.size() > 1) found.push_back(Text(entry));  // one value: between entities
      }
      cursor = page.cursor;
    } while (!cursor.empty());
    std::sort(found.begin(), found.end());
    const std::vector<std::string> expected = Expected();
    EXPECT_THAT(Without(found, expected), ::testing::IsEmpty()) << "should not be there";
    EXPECT_THAT(Without(expected, found), ::testing::IsEmpty()) << "are missing";
  }
};

TEST_F(LargeEntitiesTest, HaveTheConflictsOfTheirRecords) {
  ForEachSeed("UNIRUST_LARGE_ENTITY_SEEDS", [&](Dice& dice) {
    const size_t population = limits::kLargeEntityRecordsMin + 20 + dice.Below(200);
    std::vector<Write> first;
    for (size_t n = 0; n < population; ++n) first.push_back(RecordOf(dice, n, 60));
    Apply(first);
    ExpectConflicts();
    for (size_t batches = 40; batches > 0 && !HasFailure(); --batches) {
      std::vector<Write> batch;
      for (size_t n = dice.OneIn(12) ? 30 : 1 + dice.Below(3); n > 0; --n) {
        Write write = RecordOf(dice, dice.Below(population + 10), 4);
        if (dice.OneIn(3)) write = Gone(write.identity.perspective, write.identity.uid);
        batch.push_back(std::move(write));
      }
      if (dice.OneIn(4)) AddFirstGone(dice.OneIn(10) ? 60 : 1, &batch);
      Apply(batch);
      ExpectConflicts();
      if (dice.OneIn(4)) ExpectFresh(dice);
    }
    ExpectFresh(dice);
    RetractAll(dice);
  }, kUsualSeeds);
}

// So few at a time that they are followed one by one, until fewer are listed than an entry lists.
TEST_F(LargeEntitiesTest, ListTheNextRecordsWhenTheFirstOnesGo) {
  std::vector<Write> writes;
  for (size_t n = 0; n < 4 * limits::kConflictNamesMax; ++n) {
    writes.push_back(Person("p", std::to_string(n),
                            {{"k", "x", kAlways}, {"city", std::to_string(n % 2), kAlways}}));
  }
  Apply(writes);
  ExpectConflicts();
  for (int i = 0; i < 6; ++i) {
    std::vector<Write> batch;
    AddFirstGone(limits::kConflictNamesMax / 2, &batch);
    Apply(batch);
    ExpectConflicts();
  }
  Dice dice(1);
  ExpectFresh(dice);
}

// Groups of very many pieces, which are kept row by row (resolve/piece_set.h): one value of the first key, at times
// that leave gaps, and the others as ever.
class LargeGroupsTest : public IncrementalTest {
 protected:
  static ontology::Ontology SomeOntology(Dice& dice) {
    ontology::Ontology out;
    for (const char* attribute : {"a", "b"}) {
      ontology::IdentityKey key;
      key.name = std::string("by_") + attribute;
      key.attributes = {attribute};
      if (dice.OneIn(4)) key.max_group = limits::kLargeGroupPiecesMin + dice.Below(40);
      key.hold = dice.OneIn(4);
      out.identity_keys.push_back(std::move(key));
    }
    if (dice.OneIn(2)) std::swap(out.identity_keys[0], out.identity_keys[1]);
    out.strong_identifiers.push_back(
        {.attribute = "s", .scope = ontology::Scope::kGlobal, .entity_types = {}});
    return out;
  }

  struct Shape {
    Instant spread;  // how far apart the times lie
    bool forever;    // some pieces are for all time, and hold the others together
    bool clashes;
  };

  static Write RecordOf(Dice& dice, size_t number, const Shape& shape) {
    Write write = Person(std::string(1, "qpr"[number % 3]), std::to_string(number));
    const auto some_time = [&]() -> Interval {
      if (shape.forever && dice.OneIn(10)) return kAlways;
      const auto start = static_cast<Instant>(dice.Below(static_cast<size_t>(shape.spread)));
      return {start, start + 1 + static_cast<Instant>(dice.Below(6))};
    };
    for (size_t n = dice.OneIn(4) ? 2 : 1; n > 0; --n) {
      write.descriptors.push_back({"a", dice.OneIn(12) ? "y" : "x", some_time()});
    }
    if (dice.OneIn(2)) {
      write.descriptors.push_back({"b", std::to_string(dice.Below(60)), kAlways});
    }
    if (shape.clashes && dice.OneIn(40)) {
      write.descriptors.push_back({"s", std::to_string(dice.Below(2)), some_time()});
    }
    return write;
  }
};

TEST_F(LargeGroupsTest, EqualAFreshResolutionAfterEveryBatch) {
  ForEachSeed("UNIRUST_LARGE_ENTITY_SEEDS", [&](Dice& dice) {
    for (const bool apart : {true, false}) {  // many runs, or few
      Start(SomeOntology(dice));
      const size_t population = limits::kLargeGroupPiecesMin + 40 + dice.Below(60);
      const Shape shape{
          .spread = apart ? 2000 : 100, .forever = !apart, .clashes = dice.OneIn(2)};
      ApplyHistory(dice, {.population = population, .batches = 40, .few = 2, .check = 6},
                   [&](size_t number, size_t) { return RecordOf(dice, number, shape); });
    }
  }, kUsualSeeds);
}

// A block of exactly as many kids as make it large, two of which get another first record in one batch.
TEST_F(LargeGroupsTest, KidsMoveWhereABlockIsBarelyLarge) {
  Start(ontology::ParseOntology(R"({"identity_keys": [
      {"name": "by_a", "attributes": ["a"]}, {"name": "by_b", "attributes": ["b"]}]})")
            .value());
  std::vector<Write> writes;
  for (size_t i = 0; i < limits::kLargeBlockKidsMin; ++i) {
    for (const char* perspective : {"p", "q", "r"}) {
      writes.push_back(Person(perspective, std::to_string(i),
                              {{"a", std::to_string(i), kAlways}, {"b", "x", kAlways}}));
    }
  }
  Apply(writes);
  Dice dice(1);
  ExpectFresh(dice);
  Apply({Gone("p", "5"), Gone("p", "7")});
  ExpectFresh(dice);
}

}  // namespace
}  // namespace unirust::shard
