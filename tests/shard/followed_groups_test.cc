// Groups of very many pieces in which records clash, which are kept row by row (resolve/followed_group.h): after every
// batch all that is stored must be what a fresh resolution gives.
//
// UNIRUST_LARGE_ENTITY_SEEDS and UNIRUST_FIRST_SEED choose the histories; a failure prints its seed.
#include "base/limits.h"
#include "tests/shard/incremental_fixture.h"

namespace unirust::shard {
namespace {

constexpr uint64_t kUsualSeeds = 1;  // half a minute each

class FollowedGroupsTest : public IncrementalTest {
 protected:
  // What is random about the records of a history.
  struct Shape {
    size_t spread = 0;         // how far apart the key's values begin; 0: they are held always
    bool forever = false;      // some of those that are dated are held always
    bool dated_ids = false;    // strong identifiers hold for some of the time
    size_t ids = 1;            // values of a strong identifier
    size_t usual = 0;          // one in so many records has another one than the first; 0: all are as frequent
    size_t mute = 1;           // one in so many records has none
    size_t others = 1;         // values of the second key
  };

  static ontology::Ontology SomeOntology(Dice& dice) {
    ontology::Ontology out;
    std::vector<const char*> attributes = {"a", "b"};
    if (dice.OneIn(2)) attributes.push_back("c");
    for (const char* attribute : attributes) {
      ontology::IdentityKey key;
      key.name = std::string("by_") + attribute;
      key.attributes = {attribute};
      if (dice.OneIn(6)) key.max_group = limits::kLargeGroupPiecesMin + 20 + dice.Below(60);
      key.hold = dice.OneIn(5);
      out.identity_keys.push_back(std::move(key));
    }
    dice.Shuffle(out.identity_keys);
    for (const char* attribute : {"s", "t"}) {
      out.strong_identifiers.push_back(
          {.attribute = attribute,
           .scope = dice.OneIn(3) ? ontology::Scope::kPerspective : ontology::Scope::kGlobal,
           .entity_types = {}});
    }
    return out;
  }

  // One key, a.
  void StartWith(bool hold) {
    ontology::Ontology ontology;
    ontology::IdentityKey key;
    key.name = "by_a";
    key.attributes = {"a"};
    key.hold = hold;
    ontology.identity_keys.push_back(key);
    for (const char* attribute : {"s", "t"}) {
      ontology.strong_identifiers.push_back(
          {.attribute = attribute, .scope = ontology::Scope::kGlobal, .entity_types = {}});
    }
    Start(ontology);
  }

  // The keys k and a.
  void StartWithTwoKeys() {
    Start(ontology::ParseOntology(R"({
        "identity_keys": [{"name": "by_k", "attributes": ["k"]}, {"name": "by_a", "attributes": ["a"]}],
        "strong_identifiers": [{"attribute": "s", "scope": "global"},
                               {"attribute": "t", "scope": "global"}]})")
              .value());
  }

  // Records of one value of the key that clash with nobody.
  static std::vector<Write> Mute(size_t count, Interval time) {
    std::vector<Write> out;
    for (size_t n = 0; n < count; ++n) {
      out.push_back(Person("p", std::to_string(n), {{"a", "x", time}}));
    }
    return out;
  }

  // Each clashes with all others.
  static std::vector<Write> AllClash() {
    std::vector<Write> out = Mute(150, kAlways);
    for (Write& write : out) write.descriptors.push_back({"s", write.identity.uid, kAlways});
    return out;
  }

  // 150 of these, and two who clash with each other on two strong identifiers.
  static std::vector<Write> MuteAndTwoWhoClash(Interval time) {
    std::vector<Write> out = Mute(150, time);
    for (const char* value : {"1", "2"}) {
      out.push_back(Person("z", value, {{"a", "x", time},
                                        {"s", std::string("z") + value, kAlways},
                                        {"t", std::string("z") + value, kAlways}}));
    }
    return out;
  }

  static Shape SomeShape(Dice& dice) {
    Shape out;
    if (dice.OneIn(2)) out.spread = dice.OneIn(2) ? 60 : 600;
    out.forever = dice.OneIn(2);
    out.dated_ids = dice.OneIn(3);
    out.ids = dice.OneIn(3) ? 3 : 1000;
    if (dice.OneIn(2)) out.usual = dice.OneIn(2) ? 10 + dice.Below(60) : 500;
    out.mute = 1 + dice.Below(4);
    out.others = dice.OneIn(3) ? 8 : 200;
    return out;
  }

  static Write RecordOf(Dice& dice, size_t number, const Shape& shape) {
    Write write = Person(std::string(1, "qpr"[number % 3]), std::to_string(number));
    const auto add = [&](const char* attribute, size_t value, size_t spread, bool forever) {
      Interval time = kAlways;
      if (spread > 0 && !(forever && dice.OneIn(3))) {
        time.start = static_cast<Instant>(dice.Below(spread));
        time.end = time.start + 1 + static_cast<Instant>(dice.Below(30));
      }
      write.descriptors.push_back({attribute, std::to_string(value), time});
    };
    const size_t ids_spread = shape.dated_ids ? 60 : 0;
    const bool usual = shape.usual > 0 && !dice.OneIn(shape.usual);
    if (!dice.OneIn(12)) add("a", dice.OneIn(15) ? 1 : 0, shape.spread, shape.forever);
    if (dice.OneIn(10)) add("a", dice.Below(4), shape.spread, shape.forever);
    if (dice.OneIn(3)) add("b", dice.Below(shape.others), 0, false);
    if (dice.OneIn(20)) add("b", dice.Below(shape.others), 0, false);
    if (dice.OneIn(4)) add("c", dice.Below(shape.others), 0, false);
    if (!dice.OneIn(shape.mute)) {
      add("s", usual ? 0 : dice.Below(shape.ids), ids_spread, true);
    }
    if (dice.OneIn(8)) add("t", dice.Below(shape.ids), ids_spread, true);
    if (dice.OneIn(200)) add("s", dice.Below(shape.ids), 0, false);  // a set of values
    return write;
  }
};

TEST_F(FollowedGroupsTest, EqualAFreshResolutionAfterEveryBatch) {
  ForEachSeed("UNIRUST_LARGE_ENTITY_SEEDS", [&](Dice& dice) {
    for (size_t histories = 4; histories > 0 && !HasFailure(); --histories) {
      Start(SomeOntology(dice));
      const Shape shape = SomeShape(dice);
      const size_t population = limits::kLargeGroupPiecesMin + 30 + dice.Below(90);
      const auto record = [&](size_t number, size_t later) {
        Shape now = shape;
        if (later > 75) now.usual = 2;  // others than the usual come together
        return RecordOf(dice, number, now);
      };
      ApplyHistory(dice, {.population = population, .batches = 80, .few = 3, .check = 8}, record);
    }
  }, kUsualSeeds);
}

// A group is divided by two records that clash, and no longer when both go at once.
TEST_F(FollowedGroupsTest, IsNotDividedWhenAllWhoClashGoTogether) {
  StartWith(false);
  std::vector<Write> writes = Mute(150, kAlways);
  writes.push_back(Person("z", "1", {{"a", "x", kAlways}, {"s", "1", kAlways}}));
  writes.push_back(Person("z", "2", {{"a", "x", kAlways}, {"s", "2", kAlways}}));
  Apply(writes);
  Apply({Gone("z", "1"), Gone("z", "2")});
  Dice dice(1);
  ExpectFresh(dice);
}

// Two who clash come at once where nobody did, and part all others of a run under `hold`.
TEST_F(FollowedGroupsTest, PartsARunThatTurnsMixedUnderHold) {
  StartWith(true);
  std::vector<Write> writes = Mute(150, {20, 30});
  writes.push_back(Person("z", "1", {{"a", "x", {0, 10}}, {"s", "1", kAlways}}));
  writes.push_back(Person("z", "2", {{"a", "x", {0, 10}}, {"s", "2", kAlways}}));
  Apply(writes);
  Apply({Person("z", "3", {{"a", "x", {20, 30}}, {"s", "1", kAlways}}),
         Person("z", "4", {{"a", "x", {20, 30}}, {"s", "2", kAlways}})});
  Dice dice(1);
  ExpectFresh(dice);
  Apply({Gone("z", "3"), Gone("z", "4")});
  ExpectFresh(dice);
}

// All say one thing, until two come at once who say two others.
TEST_F(FollowedGroupsTest, NewOnesAreNoWitnessesForEachOther) {
  StartWith(false);
  std::vector<Write> writes;
  for (const Write& mute : Mute(150, kAlways)) {
    writes.push_back(mute);
    writes.back().descriptors.push_back({"s", "0", kAlways});
  }
  writes.push_back(Person("z", "1", {{"a", "x", kAlways}, {"t", "1", kAlways}}));
  writes.push_back(Person("z", "2", {{"a", "x", kAlways}, {"t", "2", kAlways}}));
  Apply(writes);
  Apply({Person("z", "3", {{"a", "x", kAlways}, {"s", "1", kAlways}}),
         Person("z", "4", {{"a", "x", kAlways}, {"s", "2", kAlways}})});
  Dice dice(1);
  ExpectFresh(dice);
}

// One that agrees with two others at different times holds them together, as long as it does.
TEST_F(FollowedGroupsTest, WhoAgreeThroughAThirdPartWithIt) {
  StartWith(false);
  std::vector<Write> writes = AllClash();
  const Descriptor early{"s", "A", {0, 10}};
  const Descriptor late{"s", "B", {10, 20}};
  const Write bridge = Person("z", "3", {{"a", "x", kAlways}, early, late});
  writes.push_back(Person("z", "1", {{"a", "x", kAlways}, early}));
  writes.push_back(Person("z", "2", {{"a", "x", kAlways}, late}));
  writes.push_back(bridge);
  Apply(writes);
  Dice dice(1);
  ExpectFresh(dice);
  // Agrees with the bridge, too, and clashes with it later.
  const Write torn = Person("z", "4", {{"a", "x", kAlways}, early, {"s", "C", {10, 20}}});
  ApplyEach({Person("z", "3", {{"a", "x", kAlways}, late}), bridge, torn, Gone("z", "3"), bridge,
             Gone("z", "4"), Gone("z", "1")});
}

// Two who agree at one time and clash at another are not linked, and nothing is to be settled.
TEST_F(FollowedGroupsTest, WhoAgreeAndClashAreNotLinked) {
  StartWith(false);
  const Descriptor both{"s", "A", {0, 10}};
  std::vector<Write> writes = AllClash();
  writes.push_back(Person("z", "1", {{"a", "x", kAlways}, both, {"s", "B", {10, 20}}}));
  Apply(writes);
  ApplyEach({Person("z", "2", {{"a", "x", kAlways}, both, {"s", "C", {10, 20}}})});
}

// One of two who agree says nothing any more, then something else, then is elsewhere.
TEST_F(FollowedGroupsTest, WhoAgreesNoLongerLeaves) {
  StartWith(false);
  std::vector<Write> writes = AllClash();
  const Write agrees = Person("z", "1", {{"a", "x", kAlways}, {"s", "7", kAlways}});
  writes.push_back(agrees);
  Apply(writes);
  ApplyEach({Person("z", "1", {{"a", "x", kAlways}}), agrees,
             Person("z", "1", {{"a", "x", kAlways}, {"s", "new", kAlways}}), agrees,
             Person("z", "1", {{"a", "y", kAlways}, {"s", "7", kAlways}}), agrees,
             Gone("p", "7")});
}

// One who says two things at once agrees with those who say either: then the group is not followed.
TEST_F(FollowedGroupsTest, WhoSaysTwoThingsAtOnceIsMet) {
  StartWith(false);
  std::vector<Write> writes = AllClash();
  Apply(writes);
  ApplyEach({Person("z", "1", {{"a", "x", kAlways}, {"s", "5", kAlways}, {"s", "7", kAlways}}),
             Person("z", "2", {{"a", "x", kAlways}, {"s", "7", kAlways}}), Gone("z", "1"),
             Gone("z", "2")});
}

// A record that leaves takes along what held it to a block of another group, with many more around.
TEST_F(FollowedGroupsTest, WhoTurnsDisputedLeavesABlockOfManyGroups) {
  StartWith(false);
  std::vector<Write> writes = MuteAndTwoWhoClash(kAlways);
  for (size_t n = 0; n < 150; ++n) {
    writes[n].descriptors.push_back({"a", "own " + std::to_string(n), kAlways});
  }
  writes.push_back(Person("w", "1", {{"a", "y", kAlways}}));
  writes.push_back(Person("w", "2", {{"a", "x", kAlways}, {"a", "y", kAlways}}));
  Apply(writes);
  Dice dice(1);
  Apply({Person("w", "2", {{"a", "x", kAlways}, {"a", "y", kAlways}, {"s", "3", kAlways}})});
  ExpectFresh(dice);
}

// Two chains of one run are two ways.
TEST_F(FollowedGroupsTest, WhoHeldTwoChainsOfARunTogetherGoes) {
  StartWith(false);
  std::vector<Write> writes = MuteAndTwoWhoClash({0, 10});
  for (size_t n = 75; n < 150; ++n) writes[n].descriptors[0].interval = {20, 30};
  for (size_t n : {150, 151}) writes[n].descriptors[0].interval = {0, 30};
  const Write both = Person("w", "1", {{"a", "x", {0, 10}}, {"a", "x", {20, 30}}});
  writes.push_back(both);
  Apply(writes);
  ApplyEach({Gone("w", "1"), both, Person("w", "1", {{"a", "x", {20, 30}}}), both});
}

// More say one thing at other times than are looked at to find who says it now.
TEST_F(FollowedGroupsTest, WhoAgreesIsNotAmongTheFirst) {
  StartWith(false);
  std::vector<Write> writes = MuteAndTwoWhoClash(kAlways);
  for (Instant n = 0; n < 80; ++n) {
    writes.push_back(
        Person("r", std::to_string(n), {{"a", "x", kAlways}, {"s", "v", {n, n + 1}}}));
  }
  const Descriptor late{"s", "v", {500, 501}};
  writes.push_back(Person("w", "1", {{"a", "x", kAlways}, {"a", "y", kAlways}, late}));
  writes.push_back(Person("w", "2", {{"a", "x", kAlways}, late}));
  writes.push_back(Person("w", "3", {{"a", "y", kAlways}}));
  Apply(writes);
  Dice dice(1);
  Apply({Gone("w", "1")});
  ExpectFresh(dice);
}

// Nodes of settled parts of other groups come to have pieces in a followed one.
TEST_F(FollowedGroupsTest, NodesOfSettledPartsCome) {
  StartWith(false);
  std::vector<Write> writes = MuteAndTwoWhoClash(kAlways);
  const auto record = [](const char* uid, const std::vector<std::string>& values,
                         std::vector<Descriptor> strong) {
    for (const std::string& value : values) strong.push_back({"a", value, kAlways});
    return Person("w", uid, std::move(strong));
  };
  const Descriptor first{"s", "1", kAlways};
  const Descriptor seventh{"t", "7", kAlways};
  writes.push_back(record("1", {"w1"}, {first}));
  writes.push_back(record("2", {"w1", "w2"}, {seventh}));
  writes.push_back(record("3", {"w2", "y"}, {{"s", "2", {10, 20}}}));
  writes.push_back(record("4", {"y"}, {{"s", "1", {0, 10}}}));
  Apply(writes);
  Dice dice(1);
  Apply({record("2", {"w1", "w2", "x"}, {seventh}), record("4", {"y", "x"}, {{"s", "1", {0, 10}}})});
  ExpectFresh(dice);
  Apply({record("2", {"w1", "w2"}, {seventh}), record("4", {"y"}, {{"s", "1", {0, 10}}})});
  ExpectFresh(dice);
}

// A record of one block of the first key goes to another, and with it its piece of a group of the second.
TEST_F(FollowedGroupsTest, PiecesGoFromOneNodeToAnother) {
  StartWithTwoKeys();
  std::vector<Write> writes = MuteAndTwoWhoClash(kAlways);
  const Descriptor x{"a", "x", kAlways};
  const Descriptor w{"a", "w", kAlways};
  const auto of = [](const char* k) { return Descriptor{"k", k, kAlways}; };
  writes.push_back(Person("w", "1", {of("1")}));
  writes.push_back(Person("w", "2", {of("1")}));
  writes.push_back(Person("w", "3", {of("1"), x}));
  writes.push_back(Person("w", "4", {of("2"), w}));
  writes.push_back(Person("w", "5", {of("2")}));
  writes.push_back(Person("w", "6", {w}));
  Apply(writes);
  Dice dice(1);
  for (const char* k : {"2", "3", "1"}) {
    Apply({Person("w", "3", {of(k), x})});
    ExpectFresh(dice);
  }
}

// A record that nobody disputes is joined by one that says what others dispute: together they leave a large block,
// which falls apart if the record held it together.
TEST_F(FollowedGroupsTest, WhatTakesAPlaceInABlockTurnsDisputed) {
  StartWithTwoKeys();
  const auto of = [](std::string k) { return Descriptor{"k", std::move(k), kAlways}; };
  const Descriptor x{"a", "x", kAlways};
  const Descriptor y{"a", "y", kAlways};
  std::vector<Write> writes = MuteAndTwoWhoClash(kAlways);
  writes.push_back(Person("w", "1", {of("1"), x}));
  writes.push_back(Person("w", "2", {of("2"), x, y}));
  writes.push_back(Person("w", "3", {y}));
  writes.push_back(Person("w", "4", {of("4"), x}));
  writes.push_back(Person("w", "5", {of("5"), x}));
  Apply(writes);
  const Write first = Person("v", "1", {of("1"), {"s", "v1", kAlways}});
  const Write second = Person("v", "2", {of("2"), {"s", "v2", kAlways}});
  const Write both = Person("v", "4", {of("4"), of("5"), {"s", "v4", kAlways}});
  ApplyEach({first, second, both, Gone("v", "2"), Gone("v", "1"), Gone("v", "4")});
  Dice dice(1);
  Apply({first, second, both});
  ExpectFresh(dice);
}

// What takes a node's place has a block of its own, and the node's block explodes, or is left with nobody else: the
// piece that it takes over ties it to the run.
TEST_F(FollowedGroupsTest, WhatTakesAPlaceHasABlockOfItsOwn) {
  const auto of = [](const char* k) { return Descriptor{"k", k, kAlways}; };
  const Descriptor x{"a", "x", {20, 30}};
  const Descriptor y{"a", "y", kAlways};
  const Descriptor z{"a", "z", kAlways};
  const auto start = [&](const std::vector<Write>& more) {
    StartWithTwoKeys();
    std::vector<Write> writes = MuteAndTwoWhoClash({0, 10});
    writes.push_back(Person("w", "1", {of("h"), y}));
    writes.push_back(Person("w", "2", {of("h")}));
    writes.push_back(Person("w", "3", {y}));
    writes.push_back(Person("w", "4", {of("p"), x}));
    writes.insert(writes.end(), more.begin(), more.end());
    Apply(writes);
  };
  const Write joins = Person("v", "1", {of("h"), of("p")});
  Dice dice(1);
  start({Person("w", "5", {x, z}), Person("w", "6", {x, z})});
  Apply({joins, Gone("w", "5")});
  ExpectFresh(dice);
  RetractAll(dice);
  start({Person("w", "5", {of("n"), x}), Person("w", "6", {of("n")})});
  Apply({joins, Person("w", "5", {of("q"), x})});
  ExpectFresh(dice);
}

TEST_F(FollowedGroupsTest, ConflictsAreOfTheNeighbourhoodsOfThoseWhoClash) {
  StartWith(false);
  Apply(MuteAndTwoWhoClash(kAlways));
  const View view = engine_->Read();
  const auto conflicts = [&](const Identity& record) {
    return ExportGraph(view, {{GraphPart::kConflict}, {record}}, 0, "")->items.size();
  };
  EXPECT_EQ(conflicts({"person", "z", "1"}), 2U);
  EXPECT_EQ(conflicts({"person", "p", "1"}), 0U);
}

// A run that begins earlier than before, then later again, and one that two became.
TEST_F(FollowedGroupsTest, RunsMayBeginElsewhere) {
  StartWith(false);
  const auto record = [](size_t number, Interval time) {
    return Person("p", std::to_string(number),
                  {{"a", "x", time}, {"s", std::to_string(number), kAlways}});
  };
  std::vector<Write> writes;
  for (size_t n = 0; n < 80; ++n) writes.push_back(record(n, {10, 20}));
  for (size_t n = 80; n < 160; ++n) writes.push_back(record(n, {30, 40}));
  Apply(writes);
  Dice dice(1);
  for (const Interval& time : std::vector<Interval>{{5, 15}, {12, 18}, {18, 32}, {40, 50}}) {
    Apply({record(200, time)});
    ExpectFresh(dice);
  }
  Apply({Gone("p", "200")});
  ExpectFresh(dice);
}

// All clash with all; of an entry's records and entities the first ones are listed.
TEST_F(FollowedGroupsTest, ListTheNextOnesWhenTheFirstOnesGo) {
  StartWith(false);
  std::vector<Write> writes;
  const auto record = [](size_t number) {
    return Person("p", std::to_string(number),
                  {{"a", "x", kAlways}, {"s", std::to_string(number), kAlways}});
  };
  for (size_t n = 1000; n < 1000 + 4 * limits::kConflictNamesMax; ++n) writes.push_back(record(n));
  Apply(writes);
  Dice dice(1);
  ExpectFresh(dice);
  for (size_t batch = 0; batch < 6; ++batch) {
    writes.clear();
    for (auto it = live_.begin(); writes.size() < limits::kConflictNamesMax / 2; ++it) {
      writes.push_back(Gone(it->first.perspective, it->first.uid));
    }
    Apply(writes);
    if (batch % 2 == 0) ExpectFresh(dice);
    Apply({record(batch)});
    if (batch % 2 == 1) ExpectFresh(dice);
  }
}

// What takes the places of two nodes of a block turns disputed in a group that is not divided otherwise: whoever was in
// the block for the sake of one of them leaves, although a group that is followed parts the two first.
TEST_F(FollowedGroupsTest, WhatTakesAPlaceTurnsDisputedElsewhere) {
  Start(ontology::ParseOntology(R"({
    "identity_keys": [{"name": "by_a", "attributes": ["a"]}, {"name": "by_b", "attributes": ["b"]}],
    "strong_identifiers": [{"attribute": "s", "scope": "global"},
                           {"attribute": "t", "scope": "global"}]})")
            .value());
  const Descriptor a0{"a", "0", kAlways};
  const Descriptor a1{"a", "1", kAlways};
  const Descriptor b0{"b", "0", kAlways};
  const Descriptor b1{"b", "1", kAlways};
  const auto s = [](std::string value) { return Descriptor{"s", std::move(value), kAlways}; };
  const auto t = [](std::string value) { return Descriptor{"t", std::move(value), kAlways}; };
  std::vector<Write> writes = {
      Person("p", "05", {b1}),           Person("p", "08", {a0, a1}),
      Person("p", "09", {a0, b1}),       Person("p", "11", {a1, s("1")}),
      Person("p", "13", {a0, b0}),       Person("p", "15", {a1, b0, t("0")}),
      Person("p", "20", {a0, s("0")}),   Person("p", "22", {b0, s("1"), t("1")}),
      Person("p", "27", {a1, b1})};
  for (size_t n = 1; n <= limits::kLargeGroupPiecesMin; ++n) {
    writes.push_back(Person("p", "f" + std::to_string(n), {b0}));
  }
  Apply(writes);
  Dice dice(1);
  ExpectFresh(dice);
  Apply({Person("p", "08", {a0})});
  EXPECT_EQ(EntityName("p", "05"), "person/p/05");
  ExpectFresh(dice);
}

}  // namespace
}  // namespace unirust::shard
