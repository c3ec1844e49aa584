#include "workload/generator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "base/hash.h"
#include "tests/workload/around.h"
#include "text/json_lines.h"

namespace unirust::workload {
namespace {

std::string LineAt(const Generator& generator, uint64_t position) {
  Write write;
  generator.Make(position, &write);
  std::string line;
  text::AppendJsonLine(write, &line);
  return line;
}

// A hash of all lines, which depends on their order.
uint64_t Digest(const Options& options) {
  const Generator generator(options);
  uint64_t digest = 0;
  for (uint64_t i = 0; i < generator.writes(); ++i) {
    digest = Mix(digest + Hash64(LineAt(generator, i)));
  }
  return digest;
}

bool Holds(const Record& record, std::string_view attribute, std::string_view value) {
  return std::any_of(
      record.descriptors.begin(), record.descriptors.end(),
      [&](const Descriptor& d) { return d.attribute == attribute && d.value == value; });
}

// What a store holds of the writes, in arrival order (semantics.md, 2).
std::map<Identity, std::pair<int64_t, Record>> Arrive(const Generator& generator) {
  std::map<Identity, std::pair<int64_t, Record>> stored;
  for (uint64_t i = 0; i < generator.writes(); ++i) {
    Write write;
    generator.Make(i, &write);
    EXPECT_TRUE(Check(write).ok()) << Check(write);
    const auto known = stored.find(write.identity);
    const int64_t version = write.version.value_or(0);
    if (known != stored.end() && version < known->second.first) continue;
    stored[write.identity] = {
        version, Record{write.identity, write.retract ? -1 : version, write.descriptors}};
  }
  return stored;
}

TEST(Generator, MakesTheSameOnEveryMachine) {
  EXPECT_EQ(Digest({.records = 3000, .seed = 1}), 5736584478253834011U);
  EXPECT_NE(Digest({.records = 3000, .seed = 1}), Digest({.records = 3000, .seed = 2}));
}

TEST(Generator, MakesAWriteWhateverWasInItBefore) {
  const Generator generator({.records = 3000, .seed = 3});
  Write reused;
  for (uint64_t i = 0; i < generator.writes(); ++i) {
    generator.Make(i, &reused);
    std::string line;
    text::AppendJsonLine(reused, &line);
    ASSERT_EQ(line, LineAt(generator, i));
  }
}

TEST(Generator, CountsWhatArrives) {
  for (const uint64_t records : {1, 2, 43, 44, 45, 880, 1099, 1100, 1101, 2200, 5000}) {
    for (const uint64_t seed : {1, 2, 3}) {
      const Generator generator({.records = records, .seed = seed});
      const auto stored = Arrive(generator);
      const Truth truth = generator.CountTruth();
      Truth found;
      for (const auto& [identity, version_and_record] : stored) {
        const auto& [version, record] = version_and_record;
        (record.version < 0 ? found.retracted : found.records)++;
        if (Holds(record, "role", "admin")) ++found.admins;
      }
      EXPECT_EQ(stored.size(), records);
      EXPECT_EQ(truth.records, found.records) << records << " seed " << seed;
      EXPECT_EQ(truth.retracted, found.retracted) << records << " seed " << seed;
      EXPECT_EQ(truth.admins, found.admins) << records << " seed " << seed;
      EXPECT_EQ(generator.writes(), records + truth.retracted + truth.rewritten);
    }
  }
}

TEST(Generator, KeepsItsProportions) {
  constexpr uint64_t kRecords = 110000;
  const Generator generator({.records = kRecords, .seed = 1});
  const Truth truth = generator.CountTruth();
  EXPECT_EQ(truth.indirect, kRecords / 100);
  EXPECT_EQ(truth.rewritten, kRecords / 100);
  EXPECT_EQ(truth.retracted, kRecords / 1100);
  EXPECT_NEAR(static_cast<double>(truth.records) / static_cast<double>(truth.entities), 2.2, 0.01);
  EXPECT_THAT(truth.admins, Around(kRecords / 10, kRecords / 200));
  EXPECT_THAT(truth.direct, Around(kRecords * 87 / 1000, kRecords / 200));
  std::map<std::string, uint64_t> by_type;
  uint64_t descriptors = 0;
  for (const auto& [identity, version_and_record] : Arrive(generator)) {
    ++by_type[identity.entity_type];
    descriptors += version_and_record.second.descriptors.size();
  }
  EXPECT_EQ(by_type.size(), 3U);
  EXPECT_THAT(by_type["person"], Around(kRecords * 80 / 100, kRecords / 100));
  EXPECT_THAT(by_type["firm"], Around(kRecords * 12 / 100, kRecords / 100));
  EXPECT_NEAR(static_cast<double>(descriptors) / kRecords, 5.25, 0.1);
}

TEST(Generator, DeliversTheLaterVersionFirstAboutHalfTheTime) {
  const Generator generator({.records = 55000, .seed = 1});
  std::map<Identity, int64_t> last;
  uint64_t late = 0;
  uint64_t retracted_first = 0;
  for (uint64_t i = 0; i < generator.writes(); ++i) {
    Write write;
    generator.Make(i, &write);
    if (!write.version) continue;
    const auto [known, added] = last.try_emplace(write.identity, *write.version);
    if (!added && *write.version < known->second) ++late;
    if (added && write.retract) ++retracted_first;
  }
  const Truth truth = generator.CountTruth();
  EXPECT_THAT(late, Around((truth.rewritten + truth.retracted) / 2, 60));
  EXPECT_GT(retracted_first, 5U);
}

TEST(Generator, SpreadsTheRecordsOfAnEntityOverAWindowAndNoFurther) {
  constexpr uint64_t kWindow = 10000;
  const Generator generator({.records = 35000, .seed = 1, .window = kWindow});
  std::map<std::string, uint64_t> first;
  uint64_t widest = 0;
  uint64_t adjacent = 0;
  for (uint64_t i = 0; i < generator.writes(); ++i) {
    Write write;
    generator.Make(i, &write);
    if (write.retract || write.identity.entity_type != "device") continue;
    const auto [known, added] = first.try_emplace(write.descriptors.front().value, i);
    if (added) continue;
    widest = std::max(widest, i - known->second);
    adjacent += i - known->second < 50 ? 1 : 0;
  }
  EXPECT_LT(widest, kWindow + kWindow / 5);
  EXPECT_GT(widest, kWindow * 9 / 10);
  EXPECT_LT(adjacent, first.size() / 20);
}

TEST(Generator, MakesAnEarlierWriteThatDiffers) {
  const Generator generator({.records = 5500, .seed = 1});
  std::map<Identity, std::set<std::vector<Descriptor>>> versions;
  for (uint64_t i = 0; i < generator.writes(); ++i) {
    Write write;
    generator.Make(i, &write);
    if (write.version && !write.retract) versions[write.identity].insert(write.descriptors);
  }
  const auto twice = std::count_if(versions.begin(), versions.end(),
                                   [](const auto& entry) { return entry.second.size() == 2; });
  EXPECT_EQ(twice, 55);
}

}  // namespace
}  // namespace unirust::workload
