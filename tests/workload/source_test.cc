#include "workload/source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/hash.h"
#include "ontology/ontology.h"
#include "text/json_lines.h"

namespace unirust::workload {
namespace {

uint64_t DigestOf(const Write& write) {
  std::string line;
  text::AppendJsonLine(write, &line);
  return Hash64(line);
}

// A digest of each write, made one after the other.
std::vector<uint64_t> Digests(std::string_view name, const Options& options) {
  const auto source = MakeSource(name, options);
  std::vector<uint64_t> digests;
  for (uint64_t i = 0; i < source->writes(); ++i) {
    Write write;
    source->Make(i, &write);
    digests.push_back(DigestOf(write));
  }
  return digests;
}

class SourceTest : public testing::TestWithParam<std::string_view> {
 protected:
  template <typename Function>
  void ForEachWrite(const Options& options, Function function) {
    const auto source = MakeSource(GetParam(), options);
    Write write;
    for (uint64_t i = 0; i < source->writes(); ++i) {
      source->Make(i, &write);
      function(i, write);
    }
  }
};

TEST(MakeSource, KnowsItsNamesAndNoOther) {
  EXPECT_THAT(SourceNames(),
              testing::ElementsAre("people", "hot-keys", "rewrites", "contested", "events"));
  for (const std::string_view name : SourceNames())
    EXPECT_NE(MakeSource(name, {}), nullptr) << name;
  EXPECT_EQ(MakeSource("", {}), nullptr);
  EXPECT_EQ(MakeSource("People", {}), nullptr);
  EXPECT_EQ(MakeSource("event", {}), nullptr);
}

TEST(MakeSource, MakesTheSameOnEveryMachine) {
  const std::map<std::string_view, uint64_t> expected = {{"people", 92363865172342566U},
                                                         {"hot-keys", 7793622668909909751U},
                                                         {"rewrites", 18432905129145279922U},
                                                         {"contested", 17720837695588625595U},
                                                         {"events", 11703420359353322475U}};
  for (const std::string_view name : SourceNames()) {
    uint64_t digest = 0;
    for (const uint64_t line : Digests(name, {.records = 3000, .seed = 1})) {
      digest = digest * 31 + line;
    }
    EXPECT_EQ(digest, expected.at(name)) << name;
  }
}

TEST_P(SourceTest, MakesTheSameInAnyOrderWhateverWasInTheWrite) {
  for (const uint64_t window : {0, 2000}) {
    const Options options{.records = 5000, .seed = 3, .window = window};
    const std::vector<uint64_t> digests = Digests(GetParam(), options);
    const auto again = MakeSource(GetParam(), options);
    ASSERT_EQ(again->writes(), digests.size());
    Write reused;
    for (uint64_t i = digests.size(); i-- > 0;) {
      reused.version = 77;
      reused.retract = true;
      again->Make(i, &reused);
      ASSERT_EQ(DigestOf(reused), digests[i]) << i;
    }
  }
}

TEST_P(SourceTest, DiffersBySeed) {
  std::set<uint64_t> seen;
  uint64_t writes = 0;
  for (const uint64_t seed : {1, 2, 3}) {
    const auto digests = Digests(GetParam(), {.records = 1000, .seed = seed});
    seen.insert(digests.begin(), digests.end());
    writes += digests.size();
  }
  EXPECT_GT(seen.size(), writes * 99 / 100);
}

TEST_P(SourceTest, MakesWritesAsTheStoreTakesThem) {
  for (const uint64_t records : {1, 2, 4, 5, 19, 20, 21, 43, 1101, 20000}) {
    uint64_t made = 0;
    ForEachWrite({.records = records, .seed = 1, .window = 5000},
                 [&](uint64_t, const Write& write) {
                   ++made;
                   ASSERT_TRUE(Check(write).ok()) << Check(write);
                   ASSERT_EQ(write.descriptors.empty(), write.retract);
                   for (const Descriptor& descriptor : write.descriptors) {
                     ASSERT_NE(descriptor.value, "") << descriptor.attribute;
                   }
                 });
    EXPECT_GE(made, records);
  }
}

TEST_P(SourceTest, ToldFirstIsWhatFewRecordsHold) {
  std::map<std::pair<std::string, std::string>, uint64_t> told;
  ForEachWrite({.records = 50000, .seed = 1}, [&](uint64_t, const Write& write) {
    if (write.retract) return;
    ++told[{write.descriptors.front().attribute, write.descriptors.front().value}];
  });
  for (const auto& [pair, count] : told) EXPECT_LE(count, 12U) << pair.first << "=" << pair.second;
}

TEST_P(SourceTest, GivesWritesOfOneIdentityDifferentVersions) {
  std::map<Identity, std::vector<std::optional<int64_t>>> versions;
  ForEachWrite({.records = 50000, .seed = 1}, [&](uint64_t, const Write& write) {
    versions[write.identity].push_back(write.version);
  });
  uint64_t several = 0;
  for (auto& [identity, all] : versions) {
    if (all.size() == 1) continue;
    ++several;
    std::sort(all.begin(), all.end());
    EXPECT_TRUE(all.front().has_value()) << RecordName(identity);
    EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end()) << RecordName(identity);
  }
  EXPECT_GT(several, 500U);
}

TEST_P(SourceTest, HasAnOntologyWhoseEveryRuleSomeRecordMeets) {
  const auto source = MakeSource(GetParam(), {.records = 2000});
  const auto rules = ontology::ParseOntology(source->ontology());
  ASSERT_TRUE(rules.ok()) << rules.status();
  std::map<std::string, std::set<std::vector<std::string>>> held;  // by type
  ForEachWrite({.records = 2000}, [&](uint64_t, const Write& write) {
    std::vector<std::string> attributes;
    for (const Descriptor& descriptor : write.descriptors) {
      attributes.push_back(descriptor.attribute);
    }
    held[write.identity.entity_type].insert(attributes);
  });
  const auto some_record_has = [&](const std::string& type, const auto& wanted) {
    return std::any_of(held[type].begin(), held[type].end(), [&](const auto& has) {
      return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& attribute) {
        return std::find(has.begin(), has.end(), attribute) != has.end();
      });
    });
  };
  for (const auto& key : rules->identity_keys) {
    auto types = key.entity_types;
    if (types.empty()) {
      for (const auto& [type, attributes] : held) types.push_back(type);
    }
    for (const auto& type : types) {
      EXPECT_TRUE(some_record_has(type, key.attributes)) << key.name << " of " << type;
    }
  }
  for (const auto& strong : rules->strong_identifiers) {
    EXPECT_EQ(strong.scope, ontology::Scope::kGlobal);
    EXPECT_TRUE(std::any_of(held.begin(), held.end(), [&](const auto& entry) {
      return some_record_has(entry.first, std::vector<std::string>{strong.attribute});
    })) << strong.attribute;
  }
}

INSTANTIATE_TEST_SUITE_P(, SourceTest,
                         testing::ValuesIn(SourceNames().begin(), SourceNames().end()),
                         [](const auto& of) {
                           std::string name(of.param);
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace unirust::workload
