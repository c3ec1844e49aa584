// Every call of a life of a store fails, once or from then on. Nothing is acknowledged after a
// failed write; whatever ends the process, the next opening, with a whole disk, finds all that was
// acknowledged and nothing by halves; so it does if the power fails, too.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/exit_codes.h"
#include "base/thread.h"
#include "store/store.h"
#include "tests/faults/calls.h"
#include "tests/faults/child.h"
#include "tests/faults/disk.h"
#include "tests/faults/life.h"
#include "tests/store/temp_dir.h"

namespace unirust::faults {
namespace {

std::string Text(const Fault& fault) {
  return std::string(CallName(fault.call)) + (fault.one_in > 0 ? " one in " : " from ") +
         std::to_string(fault.one_in > 0 ? fault.one_in : fault.nth) +
         (fault.lasting ? " on" : "") + ", error " + std::to_string(fault.error) + ", seed " +
         std::to_string(fault.seed);
}

class StorageFaultsTest : public ::testing::Test {
 protected:
  std::string Dir() const { return temp_.path() + "/dir"; }
  std::string Crashed() const { return temp_.path() + "/crashed"; }
  std::string Trace() const { return temp_.path() + "/trace"; }

  Ended Live(const Life& life, const Fault* fault) const {
    WriteTree({}, Dir());
    return InChild([&](std::FILE* out) {
      Watch(Dir(), Trace());
      if (fault != nullptr) Arm(*fault);
      const absl::Status status = Life(life).Run();
      if (status.ok()) return;
      std::fprintf(out, "%s", status.ToString().c_str());
      std::fflush(out);
      _exit(kExitFailure);
    });
  }

  // How many calls of each kind the steps make.
  std::array<uint64_t, kCalls> CountCalls(const std::vector<Step>& steps) const {
    std::array<uint64_t, kCalls> counts{};
    WriteTree({}, Dir());
    const Ended ended = InChild([&](std::FILE* out) {
      Watch(Dir(), "");
      if (!Life(Dir(), steps).Run().ok()) _exit(kExitFailure);
      for (size_t i = 0; i < kCalls; ++i) counts[i] = Made(static_cast<Call>(i));
      std::fwrite(counts.data(), sizeof(counts), 1, out);
    });
    EXPECT_TRUE(ended.WithCode(kExitOk));
    EXPECT_EQ(ended.said.size(), sizeof(counts));
    if (ended.said.size() == sizeof(counts))
      ended.said.copy(reinterpret_cast<char*>(counts.data()), sizeof(counts));
    return counts;
  }

  // What must not be gone on from: a commit that may not be on disk, or is not counted. The mark is
  // also written in the background, while a commit that is done may be acknowledged.
  static bool IsFatal(const Event& event, bool nothing_in_background) {
    const bool is_of_commit = event.path.ends_with(".log") ||
                              (nothing_in_background && event.path.ends_with("commit-mark"));
    return event.kind == Event::Kind::kFault && is_of_commit &&
           (event.data == CallName(Call::kWrite) || event.data == CallName(Call::kSync));
  }

  // A life with a fault, and what is left of it: as it is, and after a power failure.
  void ExpectNothingLost(const std::vector<Step>& steps, const Fault& fault) {
    SCOPED_TRACE(Text(fault));
    const Life life(Dir(), steps);
    const Ended ended = Live(life, &fault);
    const bool may_be_damaged = fault.call == Call::kRead && fault.error == 0;
    EXPECT_TRUE(ended.WithCode(kExitOk) || ended.WithCode(kExitStorage) ||
                ended.WithCode(kExitFailure) || (may_be_damaged && ended.WithCode(kExitDataLoss)))
        << ended.status << " " << ended.said;
    ++ends_[WIFEXITED(ended.status) ? WEXITSTATUS(ended.status) : -1];
    const std::vector<Event> events = ReadTrace(Trace());
    Disk disk(Dir(), {});
    Journal journal;
    const bool commits_only =
        std::all_of(steps.begin(), steps.end(), [](Step step) { return step == Step::kCommit; });
    bool is_fatal = false;
    bool with_copies = fault.nth % 8 == 0;  // they take long
    for (const Event& event : events) {
      const size_t before = journal.acknowledged.size();
      disk.Apply(event);
      journal.Add(event);
      EXPECT_FALSE(is_fatal && journal.acknowledged.size() > before)
          << "acknowledged after a fault";
      is_fatal = is_fatal || IsFatal(event, commits_only);
      with_copies = with_copies ||
                    (event.kind == Event::Kind::kFault && !event.path.starts_with(Dir() + "/data"));
    }
    const Ended looked = InChild([&](std::FILE* out) {
      std::string wrong = life.WhatIsWrong(Dir(), journal, false);
      std::fprintf(out, "%s", wrong.empty() ? "" : ("as it is: " + wrong).c_str());
      std::mt19937_64 random(fault.seed);
      for (const Disk::Loss loss : {Disk::Loss::kAll, Disk::Loss::kSome}) {
        WriteTree(disk.After(loss, random), Crashed());
        wrong = life.WhatIsWrong(Crashed(), journal, with_copies && loss == Disk::Loss::kAll);
        if (!wrong.empty()) std::fprintf(out, "after a power failure: %s", wrong.c_str());
      }
    });
    EXPECT_TRUE(looked.WithCode(kExitOk)) << looked.status;
    EXPECT_EQ(looked.said, "") << ended.said;
  }

  // Every call of the kinds, each of them in some run, if `stride` is 1.
  void Sweep(const std::vector<Call>& kinds, int error, bool lasting) {
    const std::vector<Step> steps = EveryStep();
    const std::array<uint64_t, kCalls> counts = CountCalls(steps);
    const uint64_t stride = SettingOf("UNIRUST_FAULT_STRIDE", 500);
    const uint64_t seed = SettingOf("UNIRUST_FIRST_SEED", 1);
    for (const Call call : kinds) {
      const uint64_t count = counts[static_cast<size_t>(call)];
      EXPECT_GT(count, 0U) << CallName(call);
      uint64_t runs = 0;
      for (uint64_t nth = 1 + seed % std::min(stride, count); nth <= count; nth += stride) {
        ExpectNothingLost(
            steps,
            {.call = call, .nth = nth, .lasting = lasting, .error = error, .seed = seed + nth});
        ++runs;
      }
      std::printf("%s: %llu of %llu", CallName(call), static_cast<unsigned long long>(runs),
                  static_cast<unsigned long long>(count));
      for (const auto& [code, number] : std::exchange(ends_, {}))
        std::printf(", %zu ended with %d", number, code);
      std::printf("\n");
      std::fflush(stdout);
    }
  }

  store::TempDir temp_{FastParent()};
  std::map<int, size_t> ends_;  // by exit code
};

const std::vector<Call> kChanges = {Call::kOpenToWrite,   Call::kWrite,  Call::kSync,
                                    Call::kSyncDirectory, Call::kRename, Call::kDelete,
                                    Call::kTruncate,      Call::kLink,   Call::kMakeDirectory};

TEST_F(StorageFaultsTest, OneChangeFails) { Sweep(kChanges, EIO, false); }

TEST_F(StorageFaultsTest, ACommitFails) {
  const std::vector<Step> commits(2, Step::kCommit);
  for (const std::string& file : {std::string(".log"), std::string("commit-mark")}) {
    for (const Call call : {Call::kWrite, Call::kSync}) {
      ends_.clear();
      for (uint64_t nth = 1; ends_[kExitOk] == 0; ++nth) {  // until there were fewer calls
        ExpectNothingLost(commits,
                          {.call = call, .nth = nth, .lasting = nth % 2 == 0, .only = file});
      }
    }
  }
}

TEST_F(StorageFaultsTest, TheDiskIsFull) {
  Sweep({Call::kOpenToWrite, Call::kWrite, Call::kRename, Call::kLink, Call::kMakeDirectory},
        ENOSPC, true);
}

TEST_F(StorageFaultsTest, EveryChangeFailsFromThenOn) {
  Sweep({Call::kWrite, Call::kSync, Call::kSyncDirectory}, EIO, true);
}

TEST_F(StorageFaultsTest, OneReadFails) {
  Sweep({Call::kOpenToRead, Call::kList, Call::kRead}, EIO, false);
}

TEST_F(StorageFaultsTest, OneBitOfARead) { Sweep({Call::kRead}, 0, false); }

// What was compared with its hash a moment ago is read again, by RocksDB.
TEST_F(StorageFaultsTest, OneBitOfTheManifestAsAnOpeningReadsIt) {
  const Life life(Dir(), {Step::kCommit, Step::kFlush, Step::kCommit, Step::kFlush, Step::kCommit});
  ASSERT_TRUE(Live(life, nullptr).WithCode(kExitOk));
  const Tree whole = ReadTree(Dir());
  Journal journal;
  for (const Event& event : ReadTrace(Trace())) journal.Add(event);
  const uint64_t first = SettingOf("UNIRUST_FIRST_SEED", 1);
  for (uint64_t seed = first; seed < first + SettingOf("UNIRUST_FAULT_SEEDS", 40); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    WriteTree(whole, Crashed());
    const auto open = [&](const Fault& fault) {
      return InChild([&](std::FILE* out) {
        Watch(Crashed(), "");
        Arm(fault);
        std::fputs(life.WhatIsWrong(Crashed(), journal, false).c_str(), out);
      });
    };
    open({.call = Call::kRead, .nth = 1 + seed % 4, .error = 0, .seed = seed, .only = "MANIFEST"});
    EXPECT_EQ(open({.only = "nothing"}).said, "");
  }
}

// A reader goes on, and nobody is told that a commit is done, while its sync takes long.
TEST_F(StorageFaultsTest, ASyncThatTakesLong) {
  WriteTree({}, Dir());
  const Ended ended = InChild([&](std::FILE* out) {
    Watch(Dir(), "");
    auto store = store::Store::Open({.dir = Dir() + "/data", .memory_budget_bytes = 64U << 20U});
    if (!store.ok()) _exit(kExitFailure);
    const auto commit = [&](const std::string& value) {
      store::Batch batch;
      batch.Put(store::Family::kGroups, "key", value);
      (*store)->Commit(std::move(batch));
    };
    commit("old");
    for (const std::string& file : {std::string(".log"), std::string("commit-mark")}) {
      std::atomic<bool> is_done = false;
      Hold(Call::kSync, file);
      {
        Thread writer("writer", [&] {
          commit("new");
          is_done = true;
        });
        AwaitHeld();
        std::string value;
        const auto found = (*store)->Snapshot().Get(store::Family::kGroups, "key", &value);
        std::fprintf(out, "%d%d", static_cast<int>(found.ok() && *found),
                     static_cast<int>(is_done));
        Release();
      }
      std::fprintf(out, "%d ", static_cast<int>(is_done));
    }
  });
  EXPECT_TRUE(ended.WithCode(kExitOk)) << ended.status;
  EXPECT_EQ(ended.said, "101 101 ");
}

}  // namespace
}  // namespace unirust::faults
