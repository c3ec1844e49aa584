// The power fails at every call of a life of a store. After it the store opens, with all that was
// acknowledged and nothing by halves.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/faults/calls.h"
#include "tests/faults/child.h"
#include "tests/faults/disk.h"
#include "tests/faults/life.h"
#include "tests/store/temp_dir.h"

namespace unirust::faults {
namespace {

class PowerLossTest : public ::testing::Test {
 protected:
  std::string Dir() const { return temp_.path() + "/dir"; }
  std::string Crashed() const { return temp_.path() + "/crashed"; }
  std::string Trace() const { return temp_.path() + "/trace"; }

  // What the steps call, when nothing fails.
  std::vector<Event> Record(const std::vector<Step>& steps) {
    WriteTree({}, Dir());
    const Ended ended = InChild([&](std::FILE* out) {
      Watch(Dir(), Trace());
      const absl::Status status = Life(Dir(), steps).Run();
      if (!status.ok()) std::fprintf(out, "%s\n", std::string(status.message()).c_str());
    });
    EXPECT_TRUE(ended.WithCode(0)) << ended.status;
    EXPECT_EQ(ended.said, "");
    return ReadTrace(Trace());
  }

  // What the disk may hold after a failure at a call, and what must be there then.
  struct State {
    size_t call = 0;
    Tree tree;
    Journal journal;
  };

  // Different ones, of every `stride`-th call on average. `look` is told whether the copies differ,
  // too.
  static void VisitStates(const std::vector<Event>& events, Disk disk, Journal journal,
                          Disk::Loss loss, uint64_t stride, std::mt19937_64& random,
                          const std::function<void(const State&, bool copies_differ)>& look) {
    std::set<std::pair<uint64_t, size_t>> seen, seen_copies;
    for (size_t call = 0; call < events.size(); ++call) {
      disk.Apply(events[call]);
      journal.Add(events[call]);
      const bool may_be_torn =
          events[call].kind == Event::Kind::kWrite && events[call].path.ends_with(".log");
      if (random() % (may_be_torn ? std::max<uint64_t>(stride / 20, 1) : stride) != 0) continue;
      const State state{.call = call, .tree = disk.After(loss, random), .journal = journal};
      const size_t steps = journal.acknowledged.size() * 2 + (journal.under_way > 0 ? 1 : 0);
      if (!seen.emplace(HashOf(state.tree), steps).second) continue;
      Tree copies = state.tree;
      std::erase_if(copies, [](const auto& file) { return file.first.starts_with("data"); });
      look(state, seen_copies.emplace(HashOf(copies), steps / 2).second);
    }
  }

  void ExpectNothingLost(const std::vector<Step>& steps, Disk::Loss loss, uint64_t stride) {
    const std::vector<Event> events = Record(steps);
    const Life life(Dir(), steps);
    const Ended ended = InChild([&](std::FILE* out) {
      size_t states = 0;
      std::mt19937_64 random(seed_);
      const auto look = [&](const State& state, bool copies_differ) {
        GoesOn();
        ++states;
        WriteTree(state.tree, Crashed());
        const std::string wrong = life.WhatIsWrong(Crashed(), state.journal, copies_differ);
        if (!wrong.empty()) std::fprintf(out, "after call %zu: %s\n", state.call, wrong.c_str());
      };
      VisitStates(events, Disk(Dir(), {}), {}, loss, stride, random, look);
      std::printf("%zu calls, %zu states of the disk\n", events.size(), states);
      std::fflush(stdout);
    });
    EXPECT_TRUE(ended.WithCode(0)) << ended.status;
    EXPECT_EQ(ended.said, "") << "seed " << seed_;
  }

  const uint64_t seed_ = SettingOf("UNIRUST_FIRST_SEED", 1);
  store::TempDir temp_{FastParent()};
};

TEST_F(PowerLossTest, TheTraceHasEveryChange) {
  const std::vector<Event> events = Record(EveryStep());
  Disk disk(Dir(), {});
  for (const Event& event : events) disk.Apply(event);
  std::mt19937_64 random;
  const Tree traced = disk.After(Disk::Loss::kNone, random);
  const Tree there = ReadTree(Dir());
  for (const auto& [path, bytes] : there) {
    const auto it = traced.find(path);
    ASSERT_NE(it, traced.end()) << path;
    EXPECT_EQ(it->second, bytes) << path;
  }
  EXPECT_EQ(traced.size(), there.size());
}

TEST_F(PowerLossTest, AllThatIsNotSynced) {
  ExpectNothingLost(EveryStep(), Disk::Loss::kAll, SettingOf("UNIRUST_FAULT_STRIDE", 24));
}

TEST_F(PowerLossTest, SomeOfWhatIsNotSynced) {
  ExpectNothingLost(EveryStep(), Disk::Loss::kSome, SettingOf("UNIRUST_FAULT_STRIDE", 80));
}

TEST_F(PowerLossTest, NothingButTheProcess) {
  ExpectNothingLost(EveryStep(), Disk::Loss::kNone, SettingOf("UNIRUST_FAULT_STRIDE", 160));
}

TEST_F(PowerLossTest, AnyLife) {
  const uint64_t lives = SettingOf("UNIRUST_FAULT_SEEDS", 2);
  const uint64_t first = SettingOf("UNIRUST_FIRST_SEED", 1);
  for (uint64_t seed = first; seed < first + lives; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ExpectNothingLost(RandomSteps(seed), Disk::Loss::kSome, 20);
  }
}

// The power fails again while the store opens.
TEST_F(PowerLossTest, WhileItRecovers) {
  const std::vector<Step> steps = EveryStep();
  const std::vector<Event> events = Record(steps);
  const Life life(Dir(), steps);
  std::mt19937_64 random(seed_);
  const auto look = [&](const State& first, bool /*copies_differ*/) {
    WriteTree(first.tree, Crashed());
    const Ended recovered = InChild([&](std::FILE*) {
      Watch(Crashed(), Trace());
      ASSERT_EQ(life.WhatIsWrong(Crashed(), first.journal, false), "");
    });
    ASSERT_TRUE(recovered.WithCode(0)) << recovered.status;
    const auto again = [&](const State& second, bool /*copies_differ*/) {
      const Ended ended = InChild([&](std::FILE* out) {
        WriteTree(second.tree, Crashed());
        std::fputs(life.WhatIsWrong(Crashed(), second.journal, false).c_str(), out);
      });
      EXPECT_TRUE(ended.WithCode(0)) << ended.status;
      EXPECT_EQ(ended.said, "") << "seed " << seed_ << ", call " << first.call << ", then "
                                << second.call;
    };
    VisitStates(ReadTrace(Trace()), Disk(Crashed(), first.tree), first.journal, Disk::Loss::kSome,
                20, random, again);
  };
  VisitStates(events, Disk(Dir(), {}), {}, Disk::Loss::kSome,
              SettingOf("UNIRUST_FAULT_STRIDE", 40) * 10, random, look);
}

}  // namespace
}  // namespace unirust::faults
