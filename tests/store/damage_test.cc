// Every region of every file of a store, damaged in a copy: an opening or a read refuses it, or all answers are those
// of the undamaged store. Never another answer, a crash, or no end.
//
// Stores are opened in child processes only: so a crash is seen, and a fork copies no threads.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/exit_codes.h"
#include "base/hash.h"
#include "store/commit_mark.h"
#include "store/known_files.h"
#include "store/store.h"
#include "tests/store/temp_dir.h"

namespace unirust::store {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kBudget = 64U << 20U;
constexpr int kSecondsMax = 120;  // for one child

std::string Read(const fs::path& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

void Write(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

void Append(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::app) << bytes;
}

// Ends the child if the store cannot even be made.
std::unique_ptr<Store> MustOpen(const std::string& dir) {
  auto store = Store::Open({.dir = dir, .memory_budget_bytes = kBudget});
  if (!store.ok()) {
    std::fprintf(stderr, "%s\n", std::string(store.status().message()).c_str());
    _exit(kExitFailure);
  }
  return *std::move(store);
}

std::string Noise(uint64_t seed, size_t bytes) {
  std::mt19937_64 random(seed);
  std::string out(bytes, '\0');
  std::generate(out.begin(), out.end(), [&] { return static_cast<char>(random()); });
  return out;
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

// A checkpoint flushes all families.
void FlushAll(const Store& store, const std::string& dir) {
  fs::remove_all(dir + ".checkpoint");  // of a child that was killed
  if (!store.Checkpoint(dir + ".checkpoint").ok()) _exit(kExitFailure);
  fs::remove_all(dir + ".checkpoint");
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

// What only the family `meta` has in tables: the newest number of commits, but not the rows of the oldest log.
void MakeStoreWithMetaFlushed(const std::string& dir) {
  const auto store = MustOpen(dir);
  for (uint64_t number = 1; number <= 3; ++number) CommitNumber(store.get(), number);
  const auto tables = [&] {
    return std::count_if(fs::directory_iterator(dir), fs::directory_iterator(),
                         [](const auto& file) { return file.path().extension() == ".sst"; });
  };
  for (uint64_t n = 0; tables() == 0; ++n) {
    if (n == 1000) _exit(kExitFailure);
    Batch batch;
    batch.Put(Family::kMeta, "filler", Noise(n, 300000));
    store->Commit(std::move(batch));
  }
}

// A hash of all rows.
absl::StatusOr<uint64_t> ReadAll(const Store& store) {
  Hash64Stream hash;
  const Reader reader = store.Snapshot();
  for (size_t i = 0; i < kFamilies; ++i) {
    const auto rows = reader.Scan(static_cast<Family>(i), "", "");
    for (; rows->Valid(); rows->Next()) {
      for (const std::string_view part : {rows->key(), rows->value()}) {
        hash.Add(std::to_string(i) + " " + std::to_string(part.size()) + " ");
        hash.Add(part);
      }
    }
    if (!rows->status().ok()) return rows->status();
  }
  return hash.Value();
}

absl::StatusOr<uint64_t> OpenAndReadAll(const std::string& dir, bool read_only) {
  const auto store =
      Store::Open({.dir = dir, .memory_budget_bytes = kBudget, .read_only = read_only});
  if (!store.ok()) return store.status();
  return ReadAll(**store);
}

// What happens to one file of a copy.
struct Trial {
  std::string name;  // of the file
  std::string what;
  std::function<void(const std::string& path)> damage;
  bool may_open = true;  // as if nothing had happened
  bool read_only = false;
};

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
  return {.name = name,
          .what = "removed",
          .damage = [](const std::string& path) { fs::remove(path); }};
}

class DamageTest : public ::testing::Test {
 protected:
  std::string Dir() const { return temp_.path() + "/data"; }
  std::string Copy() const { return temp_.path() + "/copy"; }

  // Runs the body in a child. What it writes to the file is returned, and how it ended. If it writes `enough` bytes, it
  // is killed.
  static std::pair<std::string, int> InChild(const std::function<void(std::FILE*)>& body,
                                             size_t enough = SIZE_MAX) {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe(ends.data()), 0);
    const pid_t child = fork();
    if (child == 0) {
      close(ends[0]);
      alarm(kSecondsMax);
      std::FILE* out = fdopen(ends[1], "w");
      body(out);
      std::fflush(out);
      _exit(kExitOk);
    }
    close(ends[1]);
    std::string said;
    std::array<char, 4096> buffer{};
    for (ssize_t count = 0; (count = read(ends[0], buffer.data(), buffer.size())) > 0;) {
      const bool had_enough = said.size() >= enough;
      said.append(buffer.data(), static_cast<size_t>(count));
      if (said.size() >= enough && !had_enough) kill(child, SIGKILL);
    }
    close(ends[0]);
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return {said, status};
  }

  // A child that commits rows large enough to fill memtables, and is killed when it has told of `commits` commits.
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

  void Make(void (*make)(const std::string&)) {
    const auto [said, status] = InChild([&](std::FILE* out) {
      make(Dir());
      const auto hash = OpenAndReadAll(Dir(), true);
      if (hash.ok()) std::fprintf(out, "%llu", static_cast<unsigned long long>(*hash));
    });
    ASSERT_EQ(status, 0);
    ASSERT_FALSE(said.empty());
    whole_ = std::stoull(said);
  }

  std::vector<std::string> Files(const std::string& part) const {
    std::vector<std::string> out;
    for (const auto& file : fs::directory_iterator(Dir())) {
      const std::string name = file.path().filename();
      if (name.find(part) != std::string::npos) out.push_back(name);
    }
    std::sort(out.begin(), out.end());
    return out;
  }
  size_t SizeOf(const std::string& name) const { return fs::file_size(Dir() + "/" + name); }

  // Tables and logs are not written to any more: links.
  void MakeCopy(const std::string& damaged) const {
    fs::remove_all(Copy());
    fs::create_directory(Copy());
    for (const auto& file : fs::directory_iterator(Dir())) {
      const fs::path target = fs::path(Copy()) / file.path().filename();
      const bool is_final = file.path().extension() == ".sst" || file.path().extension() == ".log";
      if (is_final && file.path().filename() != damaged) {
        fs::create_hard_link(file.path(), target);
      } else {
        fs::copy_file(file.path(), target);
      }
    }
  }

  // One line: "=" if all rows are as they were, "!" if they are not, else what refused it.
  std::string Run(const Trial& trial) const {
    MakeCopy(trial.name);
    trial.damage(Copy() + "/" + trial.name);
    const auto hash = OpenAndReadAll(Copy(), trial.read_only);
    if (hash.ok()) return *hash == whole_ ? "=" : "!";
    std::string message(hash.status().message());
    std::replace(message.begin(), message.end(), '\n', ' ');
    return message;
  }

  // Runs all, a new child after each that ends the process.
  std::vector<std::string> RunAll(const std::vector<Trial>& trials) const {
    std::vector<std::string> outcomes;
    while (outcomes.size() < trials.size()) {
      const auto [said, status] = InChild([&](std::FILE* out) {
        for (size_t i = outcomes.size(); i < trials.size(); ++i) {
          std::fprintf(out, "%s\n", Run(trials[i]).c_str());
          std::fflush(out);
        }
      });
      std::istringstream lines(said);
      for (std::string line; std::getline(lines, line);) outcomes.push_back(line);
      if (outcomes.size() == trials.size()) break;
      const bool reported = WIFEXITED(status) && WEXITSTATUS(status) == kExitDataLoss;
      outcomes.push_back(reported ? trials[outcomes.size()].name + " ended it. Restore a backup"
                                  : "crashed: " + std::to_string(status));
    }
    return outcomes;
  }

  void ExpectNoWrongAnswer(const std::vector<Trial>& trials) {
    const std::vector<std::string> outcomes = RunAll(trials);
    std::map<std::string, int> counts;
    for (size_t i = 0; i < trials.size(); ++i) {
      const std::string& outcome = outcomes[i];
      ++counts[outcome == "=" ? "as if whole" : "refused"];
      SCOPED_TRACE(trials[i].name + ": " + trials[i].what);
      EXPECT_NE(outcome, "!") << "a wrong answer";
      EXPECT_NE(outcome.substr(0, 7), "crashed") << outcome;
      if (outcome == "=") {
        EXPECT_TRUE(trials[i].may_open) << "nobody was told";
        continue;
      }
      EXPECT_TRUE(Names(outcome, trials[i].name)) << outcome;
      EXPECT_NE(outcome.find("Restore a backup"), std::string::npos) << outcome;
    }
    for (const auto& [outcome, count] : counts) RecordProperty(outcome, count);
  }

  // Where a log ends too early is known, not which one is damaged. RocksDB does not always name a table that it cannot
  // open.
  static bool Names(const std::string& outcome, const std::string& file) {
    const auto has = [&](const std::string& part) {
      return outcome.find(part) != std::string::npos;
    };
    if (file.ends_with(".log")) return has(".log");
    return has(file) || (file.ends_with(".sst") && has("`unirust verify` names"));
  }

  // Thousands of openings, each with a dozen syncs: in memory where the system has a place for it.
  static std::string Parent() {
    return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : ::testing::TempDir();
  }

  TempDir temp_{Parent()};
  uint64_t whole_ = 0;  // the hash of all rows
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
  const std::string newest = Files(".log").back();
  const std::string bytes = Read(Dir() + "/" + newest);
  for (const std::string& tail : std::vector<std::string>{bytes.substr(0, 5), bytes.substr(0, 20), bytes.substr(0, 700),
                                  Noise(1, 100), std::string(40000, '\0'), Noise(2, 40000)}) {
    for (const bool read_only : {false, true}) {
      trials.push_back({.name = newest,
                        .what = "with " + std::to_string(tail.size()) + " bytes more",
                        .damage = [tail](const std::string& path) { Append(path, tail); },
                        .read_only = read_only});
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
