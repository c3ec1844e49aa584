// Copies of a store of which one file is damaged: an opening or a read refuses it, or all answers
// are those of the undamaged store. Never another answer, a crash, or no end.
//
// Stores are opened in child processes only: so a crash is seen, and a fork copies no threads.
#pragma once

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
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/exit_codes.h"
#include "base/hash.h"
#include "base/log.h"
#include "store/store.h"
#include "tests/store/temp_dir.h"

namespace unirust::store {

namespace fs = std::filesystem;

inline constexpr uint64_t kBudget = 64U << 20U;
inline constexpr int kSecondsMax = 120;  // for one child

inline std::string Read(const fs::path& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

inline void Write(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// Ends the child if the store cannot even be made.
inline std::unique_ptr<Store> MustOpen(const std::string& dir) {
  auto store = Store::Open({.dir = dir, .memory_budget_bytes = kBudget});
  if (!store.ok()) {
    std::fprintf(stderr, "%s\n", std::string(store.status().message()).c_str());
    _exit(kExitFailure);
  }
  return *std::move(store);
}

inline std::string Noise(uint64_t seed, size_t bytes) {
  std::mt19937_64 random(seed);
  std::string out(bytes, '\0');
  std::generate(out.begin(), out.end(), [&] { return static_cast<char>(random()); });
  return out;
}

// A checkpoint flushes all families.
inline void FlushAll(const Store& store, const std::string& dir) {
  fs::remove_all(dir + ".checkpoint");  // of a child that was killed
  if (!store.Checkpoint(dir + ".checkpoint").ok()) _exit(kExitFailure);
  fs::remove_all(dir + ".checkpoint");
}

// A hash of all rows of the families from the first up to the last.
inline absl::StatusOr<uint64_t> ReadAll(const Store& store, Family first = Family(),
                                        Family last = Family(kFamilies - 1)) {
  Hash64Stream hash;
  const Reader reader = store.Snapshot();
  for (auto i = static_cast<size_t>(first); i <= static_cast<size_t>(last); ++i) {
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

inline absl::StatusOr<uint64_t> OpenAndReadAll(const std::string& dir, bool read_only) {
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

// Makes a store, and copies of it of which one file is damaged.
class DamagedCopiesTest : public ::testing::Test {
 protected:
  std::string Dir() const { return temp_.path() + "/data"; }
  std::string Copy() const { return temp_.path() + "/copy"; }

  // Runs the body in a child. What it writes to the file is returned, and how it ended. If it
  // writes `enough` bytes, it is killed.
  static std::pair<std::string, int> InChild(const std::function<void(std::FILE*)>& body,
                                             size_t enough = SIZE_MAX) {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe(ends.data()), 0);
    const pid_t child = fork();
    if (child == 0) {
      close(ends[0]);
      alarm(kSecondsMax);
      SetLogLevel(LogLevel::kError);
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

  void Make(const std::function<void(const std::string& dir)>& make) {
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
    alarm(kSecondsMax);
    MakeCopy(trial.name);
    trial.damage(Copy() + "/" + trial.name);
    const auto hash = OpenAndReadAll(Copy(), trial.read_only);
    if (hash.ok()) return *hash == whole_ ? "=" : "!";
    std::string message(hash.status().message());
    std::replace(message.begin(), message.end(), '\n', ' ');
    return message;
  }

  // Runs all, by default Run, a new child after each that ends the process.
  std::vector<std::string> RunAll(
      const std::vector<Trial>& trials,
      const std::function<std::string(const Trial&)>& run = nullptr) const {
    std::vector<std::string> outcomes;
    while (outcomes.size() < trials.size()) {
      const auto [said, status] = InChild([&](std::FILE* out) {
        for (size_t i = outcomes.size(); i < trials.size(); ++i) {
          std::fprintf(out, "%s\n", (run ? run(trials[i]) : Run(trials[i])).c_str());
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

  // Where a log ends too early is known, not which one is damaged. RocksDB does not always name a
  // table that it cannot open.
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

}  // namespace unirust::store
