// Every region of every file of a store, damaged in a copy.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/store/damaged_copies.h"

namespace unirust::store {
namespace {

void Append(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::app) << bytes;
}

void CommitNumber(Store* store, uint64_t number) {
  Batch batch;
  for (const Family family : {Family::kRecords, Family::kAttributeValues, Family::kSources,
                              Family::kGroups, Family::kTouches}) {
    for (uint64_t row = 0; row < 20; ++row) {
      const uint64_t seed = number * 1000 + row;
      batch.Put(family, std::to_string(seed), Noise(seed, 150));
    }
  }
  batch.Put(Family::kMeta, "last", std::to_string(number));
  batch.Put(Family::kRecords, "last", std::to_string(number));
  batch.Delete(Family::kRecords, std::to_string((number - 1) * 1000));
  store->Commit(std::move(batch));
}

// Several tables in several families, a MANIFEST of several edits, several logs of several commits.
void MakeStore(const std::string& dir) {
  uint64_t number = 0;
  {
    const auto store = MustOpen(dir);
    for (int table = 0; table < 3; ++table) {
      for (int i = 0; i < 3; ++i) CommitNumber(store.get(), ++number);
      FlushAll(*store, dir);
    }
    for (int i = 0; i < 3; ++i) CommitNumber(store.get(), ++number);
  }
  for (int log = 0; log < 2; ++log) {
    const auto store = MustOpen(dir);
    for (int i = 0; i < 3; ++i) CommitNumber(store.get(), ++number);
  }
}

// What only the family `meta` has in tables: the newest number of commits, but not the rows of the
// oldest log.
void MakeStoreWithMetaFlushed(const std::string& dir) {
  const auto store = MustOpen(dir);
  for (uint64_t number = 1; number <= 3; ++number) CommitNumber(store.get(), number);
  const auto tables = [&] {
    return std::count_if(fs::directory_iterator(dir), fs::directory_iterator(),
                         [](const auto& file) { return file.path().extension() == ".sst"; });
  };
  constexpr uint64_t kFillers = 24;  // a flush begins, and an orderly end flushes no more (kLogBytesLeftMax)
  for (uint64_t n = 0; n < kFillers; ++n) {
    Batch batch;
    batch.Put(Family::kMeta, "filler", Noise(n, 300000));
    store->Commit(std::move(batch));
  }
  while (tables() == 0) std::this_thread::yield();
}

Trial FlipBit(const std::string& name, size_t byte, size_t trial) {
  const size_t bit = (byte * 5 + trial) % 8;
  return {.name = name,
          .what = "bit " + std::to_string(bit) + " of byte " + std::to_string(byte),
          .damage =
              [byte, bit](const std::string& path) {
                std::string bytes = Read(path);
                bytes[byte] = static_cast<char>(bytes[byte] ^ (1 << bit));
                Write(path, bytes);
              },
          .read_only = trial % 4 == 3};
}

Trial Cut(const std::string& name, size_t bytes) {
  return {.name = name,
          .what = "cut to " + std::to_string(bytes) + " bytes",
          .damage = [bytes](const std::string& path) { fs::resize_file(path, bytes); },
          .read_only = bytes % 4 == 3};
}

Trial Remove(const std::string& name) {
  return {
      .name = name, .what = "removed", .damage = [](const std::string& path) { fs::remove(path); }};
}

class DamageTest : public DamagedCopiesTest {
 protected:
  // A child that commits rows large enough to fill memtables, and is killed when it has told of
  // `commits` commits.
  uint64_t CommitsUntilKilled(uint64_t commits) const {
    const auto commit = [&](std::FILE* out) {
      const auto store = MustOpen(Dir());
      std::string last = "0";
      if (!store->Latest().Get(Family::kMeta, "last", &last).ok()) _exit(kExitFailure);
      for (uint64_t number = std::stoull(last) + 1;; ++number) {
        Batch batch;
        batch.Put(Family::kMeta, "filler", Noise(number, 400000));
        batch.Put(Family::kGroups, std::to_string(number % 10), Noise(number, 300000));
        batch.Put(Family::kMeta, "last", std::to_string(number));
        store->Commit(std::move(batch));
        if (std::fputc('c', out) == EOF || std::fflush(out) != 0) _exit(kExitFailure);
        if (number % 7 == 0) FlushAll(*store, Dir());
      }
    };
    const auto [told, status] = InChild(commit, commits);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
    return told.size();
  }
};

// Evenly spread, and every byte at both ends.
std::vector<size_t> Positions(size_t size, size_t count, size_t ends) {
  std::vector<size_t> out;
  for (size_t i = 0; i < std::min(ends, size); ++i) {
    out.push_back(i);
    out.push_back(size - 1 - i);
  }
  for (size_t i = 0; i < count; ++i) out.push_back(i * size / count);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

TEST_F(DamageTest, AFlippedBitOfATable) {
  Make(MakeStore);
  std::vector<Trial> trials;
  const std::vector<std::string> tables = Files(".sst");
  ASSERT_GT(tables.size(), 10U);
  for (size_t i = 0; i < tables.size(); ++i) {
    // The last 53 bytes are the footer.
    const size_t ends = i % 6 == 0 ? 56 : 4;
    for (const size_t at : Positions(SizeOf(tables[i]), 30, ends)) {
      trials.push_back(FlipBit(tables[i], at, trials.size()));
    }
  }
  ExpectNoWrongAnswer(trials);
}

TEST_F(DamageTest, AFlippedBitOfTheManifestOrALog) {
  Make(MakeStore);
  std::vector<Trial> trials;
  for (const std::string& name : Files("MANIFEST")) {
    for (const size_t at : Positions(SizeOf(name), 500, 20)) {
      trials.push_back(FlipBit(name, at, trials.size()));
    }
  }
  const std::vector<std::string> logs = Files(".log");
  ASSERT_GE(logs.size(), 3U);
  for (const std::string& name : logs) {
    for (const size_t at : Positions(SizeOf(name), 150, 20)) {
      trials.push_back(FlipBit(name, at, trials.size()));
    }
  }
  for (Trial& trial : trials) trial.may_open = false;
  ExpectNoWrongAnswer(trials);
}

TEST_F(DamageTest, AFlippedBitOfAnyOtherFile) {
  Make(MakeStore);
  std::vector<Trial> trials;
  for (const std::string name : {"CURRENT", "IDENTITY"}) {
    for (size_t at = 0; at < SizeOf(name); ++at) {
      trials.push_back(FlipBit(name, at, trials.size()));
    }
  }
  for (const std::string& name : Files("OPTIONS")) {
    for (const size_t at : Positions(SizeOf(name), 20, 2)) {
      trials.push_back(FlipBit(name, at, trials.size()));
    }
  }
  for (size_t block = 0; block < 4; ++block) {  // each slot of the mark
    const size_t begin = block < 2 ? block * 4096 : 8192 + (block - 2) * 65536;
    for (size_t at = begin; at < std::min(begin + 60, SizeOf("commit-mark")); ++at) {
      trials.push_back(FlipBit("commit-mark", at, trials.size()));
    }
  }
  ExpectNoWrongAnswer(trials);
}

TEST_F(DamageTest, AFileThatIsMissing) {
  Make(MakeStore);
  std::vector<Trial> trials;
  for (const std::string& name : Files("")) {
    if (name == "LOCK") continue;
    trials.push_back(Remove(name));
    trials.back().may_open = name == "IDENTITY" || name.starts_with("OPTIONS");
    trials.push_back(trials.back());
    trials.back().read_only = true;
  }
  ExpectNoWrongAnswer(trials);
}

TEST_F(DamageTest, AFileThatIsCut) {
  Make(MakeStore);
  std::vector<Trial> trials;
  for (const std::string& name : Files("")) {
    if (name == "LOCK" || name == "IDENTITY" || name.starts_with("OPTIONS")) continue;
    const bool is_list = name.starts_with("MANIFEST") || name.ends_with(".log");
    for (const size_t size : Positions(SizeOf(name), is_list ? 100 : 8, 3)) {
      trials.push_back(Cut(name, size));
      trials.back().may_open = name == "commit-mark";
    }
  }
  ExpectNoWrongAnswer(trials);
}

// The newest count of commits is in a table, so that it says nothing about the logs.
TEST_F(DamageTest, LogsThatHaveWhatOneFamilyHasInTables) {
  Make(MakeStoreWithMetaFlushed);
  std::vector<Trial> trials;
  const std::vector<std::string> logs = Files(".log");
  ASSERT_GE(logs.size(), 2U);
  for (const std::string& name : logs) {
    const size_t size = SizeOf(name);
    const bool has_commits = size > 0;
    std::vector<Trial> of_log = {Remove(name)};
    for (const size_t at : Positions(size, 12, 4)) {
      of_log.push_back(FlipBit(name, at, of_log.size()));
      of_log.push_back(Cut(name, at));
    }
    for (Trial& trial : of_log) {
      trial.may_open = !has_commits;
      trials.push_back(std::move(trial));
    }
  }
  ExpectNoWrongAnswer(trials);
}

TEST_F(DamageTest, ATornTailThatWasNotAcknowledged) {
  Make(MakeStore);
  std::vector<Trial> trials;
  for (const std::string& newest : {Files(".log").back(), Files("MANIFEST").back()}) {
    const std::string bytes = Read(Dir() + "/" + newest);
    for (const std::string& tail :
         {bytes.substr(0, 5), bytes.substr(0, 20), bytes.substr(0, 700), Noise(1, 100),
          std::string(40000, '\0'), Noise(2, 40000), std::string(600, '\0') + bytes}) {
      for (const bool read_only : {false, true}) {
        trials.push_back({.name = newest,
                          .what = "with " + std::to_string(tail.size()) + " bytes more",
                          .damage = [tail](const std::string& path) { Append(path, tail); },
                          .read_only = read_only});
      }
    }
  }
  for (const std::string& outcome : RunAll(trials)) EXPECT_EQ(outcome, "=");
}

// Refused again and again: an attempt to open changes nothing that the next one needs.
TEST_F(DamageTest, IsRefusedEachTime) {
  Make(MakeStoreWithMetaFlushed);
  const std::vector<std::string> logs = Files(".log");
  for (const std::string& name : {logs.front(), Files("MANIFEST").back(), std::string("CURRENT")}) {
    for (const Trial& trial : {Remove(name), Cut(name, SizeOf(name) / 2)}) {
      MakeCopy(name);
      trial.damage(Copy() + "/" + name);
      for (int attempt = 0; attempt < 3; ++attempt) {
        const auto [said, status] = InChild([&](std::FILE* out) {
          std::fprintf(out, "%d", static_cast<int>(OpenAndReadAll(Copy(), false).ok()));
        });
        EXPECT_EQ(said, "0") << name << " " << trial.what << ", attempt " << attempt;
      }
    }
  }
}

// Whatever flushes, compactions and deletions of logs a kill interrupts.
TEST_F(DamageTest, AKilledWriterLeavesNone) {
  std::mt19937_64 random(7);
  uint64_t acknowledged = 0;
  for (int cycle = 0; cycle < 40; ++cycle) {
    SCOPED_TRACE(cycle);
    acknowledged += CommitsUntilKilled(random() % 40);
    const auto [said, status] = InChild([&](std::FILE* out) {
      const auto store = MustOpen(Dir());
      std::string last = "0";
      if (!store->Latest().Get(Family::kMeta, "last", &last).ok()) _exit(kExitFailure);
      if (!ReadAll(*store).ok()) _exit(kExitFailure);
      std::fprintf(out, "%s", last.c_str());
    });
    ASSERT_EQ(status, 0);
    ASSERT_GE(std::stoull(said), acknowledged);
    acknowledged = std::stoull(said);
  }
}

}  // namespace
}  // namespace unirust::store
