// Damaged copies by the thousand (scripts/damage). A copy is a function of its seed: which store it
// is of, which region of which file is damaged, and how. Either an opening or a read refuses it and
// says what to do, or everything is there. What is refused is repaired if it can be: then it is, row
// by row, the store as it was after some commit, and all commits are there that the damage is behind.
#include <rocksdb/options.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/table_properties.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "store/known_files.h"
#include "store/repair.h"
#include "tests/store/damaged_copies.h"

namespace unirust::store {
namespace {

constexpr uint64_t kCopiesPerStore = 500;

uint64_t SettingOf(const char* name, uint64_t fallback) {
  const char* const text = std::getenv(name);
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

// What files are damaged, and where.
enum class Region {
  kLog,
  kManifest,
  kCurrent,
  kMarkedCommits,  // of commit-mark
  kMarkedFiles,
  kTableData,
  kTableFilter,
  kTableIndex,
  kTableProperties,
  kTableFooter,
  kOptions,
  kIdentity,
};
constexpr std::array<const char*, 12> kRegionNames = {
    "log",         "MANIFEST",      "CURRENT",      "commit-mark: commits", "commit-mark: files",
    "table: data", "table: filter", "table: index", "table: properties",    "table: footer",
    "OPTIONS",     "IDENTITY"};

enum class Damage {
  kFlippedBit,
  kTruncated,
  kZeroedPage,
  kSwappedPages,
  kRandomPage,
  kOlderPage,     // of the same file at an earlier time; of a table, for there is none, the page of
                  // another one
  kOlderFile,     // or another table
  kRepeatedPage,  // of the same file
  kMissing,
};
constexpr std::array<const char*, 9> kDamageNames = {
    "flipped bit", "cut off",    "zeroed page",   "swapped pages", "random page",
    "older page",  "older file", "repeated page", "missing"};

size_t Below(std::mt19937_64& random, size_t end) { return end == 0 ? 0 : random() % end; }

bool IsSmall(const fs::path& path) {
  return path.extension() != ".sst" && path.filename() != "LOCK";
}

// The store as it was after a commit.
struct State {
  uint64_t all = 0;      // hash of all rows
  uint64_t records = 0;  // hash of the rows of `records`
  uint64_t log = 0;      // the log that has the commit,
  uint64_t log_end = 0;  // and where it ends there
};

State StateOf(const Store& store, const std::string& dir) {
  State out{.all = ReadAll(store).value_or(0),
            .records = ReadAll(store, Family::kRecords, Family::kRecords).value_or(0)};
  for (const auto& file : fs::directory_iterator(dir)) {
    const auto log = LogNumber(dir, file.path());
    if (log && *log >= out.log) out.log = *log, out.log_end = file.file_size();
  }
  return out;
}

// Commits, flushes, restarts and perhaps another generation, in any order and of any size. What was
// in the directory some time before the end is in `older`, but for tables. Returns the states after
// its commits.
std::vector<State> MakeStoreOf(uint64_t seed, const std::string& dir, const std::string& older) {
  std::mt19937_64 random(seed);
  const size_t rows = 2 + Below(random, 30);
  const size_t bytes = random() % 6 == 0 ? 4000 : 20 + Below(random, 400);
  auto store = MustOpen(dir);
  std::vector<State> states;
  uint64_t number = 0;
  const auto commit = [&] {
    Batch batch;
    ++number;
    for (const Family family : {Family::kRecords, Family::kAttributeValues, Family::kGroups}) {
      for (uint64_t row = 0; row < rows; ++row) {
        const uint64_t key = number * 1000 + row;
        batch.Put(family, std::to_string(key), Noise(key, 1 + Below(random, bytes)));
      }
    }
    batch.Put(Family::kMeta, "last", std::to_string(number));
    store->Commit(std::move(batch));
    states.push_back(StateOf(*store, dir));
  };
  const auto keep = [&] {
    fs::create_directory(older);
    for (const auto& file : fs::directory_iterator(dir)) {
      if (!IsSmall(file.path())) continue;
      fs::copy_file(file.path(), fs::path(older) / file.path().filename(),
                    fs::copy_options::overwrite_existing);
    }
  };
  commit();
  keep();
  for (size_t step = 6 + Below(random, 8); step > 0; --step) {
    commit();
    switch (random() % 8) {
      case 0:
      case 1:
        FlushAll(*store, dir);
        break;
      case 2:
        store.reset();
        store = MustOpen(dir);
        break;
      case 3:
        keep();
        break;
      case 4:
        if (!store->BeginGeneration().ok()) _exit(kExitFailure);
        if (!store->SwitchGeneration(Batch()).ok()) _exit(kExitFailure);
        states.push_back(StateOf(*store, dir));
        break;
      default:
        break;
    }
  }
  if (random() % 2 == 0) FlushAll(*store, dir);
  commit();
  return states;
}

// Derived rows are of no meaning here: none are made.
absl::Status MakeAnew(const std::string& dir) {
  const auto store = Store::Open({.dir = dir, .memory_budget_bytes = kBudget, .rebuild = true});
  if (!store.ok()) return store.status();
  const absl::Status begun = (*store)->BeginGeneration();
  return begun.ok() ? (*store)->SwitchGeneration(Batch()).status() : begun;
}

// Two commits and two restarts later.
bool GoesOn(const std::string& dir) {
  for (const std::string text : {"a", "b"}) {
    auto store = Store::Open({.dir = dir, .memory_budget_bytes = kBudget});
    if (!store.ok()) return false;
    Batch batch;
    batch.Put(Family::kMeta, "after", text);
    (*store)->Commit(std::move(batch));
  }
  const auto store = Store::Open({.dir = dir, .memory_budget_bytes = kBudget});
  std::string value;
  return store.ok() && (*store)->Latest().Get(Family::kMeta, "after", &value).value_or(false) &&
         value == "b";
}

struct Range {
  size_t begin = 0;
  size_t end = 0;
};

// Where the parts of a table are: data blocks, filters, indexes, properties with what names all
// these, the footer.
std::array<Range, 5> PartsOf(const fs::path& table) {
  constexpr size_t kFooterBytes = 53;
  rocksdb::SstFileReader reader({});
  if (!reader.Open(table).ok()) _exit(kExitFailure);
  const auto properties = reader.GetTableProperties();
  const size_t size = fs::file_size(table);
  const size_t data = properties->data_size;
  const size_t filters = data + properties->filter_size;
  const size_t indexes = filters + properties->index_size;
  const size_t footer = size - kFooterBytes;
  return {Range{0, data}, Range{data, filters}, Range{filters, indexes}, Range{indexes, footer},
          Range{footer, size}};
}

class DamageCampaignTest : public DamagedCopiesTest {
 protected:
  std::string Older() const { return temp_.path() + "/older"; }
  std::string States() const { return temp_.path() + "/states"; }

  std::string AnyOf(const std::vector<std::string>& names, std::mt19937_64& random) const {
    return names.empty() ? "" : names[Below(random, names.size())];
  }

  // A file of the region, and where it is in there. None if this store has no such file.
  std::optional<std::pair<std::string, Range>> Choose(Region region, std::mt19937_64& random) {
    std::string name;
    switch (region) {
      case Region::kLog:
        name = AnyOf(Files(".log"), random);
        break;
      case Region::kManifest:
        name = AnyOf(Files("MANIFEST"), random);
        break;
      case Region::kOptions:
        name = AnyOf(Files("OPTIONS"), random);
        break;
      case Region::kCurrent:
        name = "CURRENT";
        break;
      case Region::kIdentity:
        name = "IDENTITY";
        break;
      case Region::kMarkedCommits:
        return {{"commit-mark", {0, 2 * 4096}}};
      case Region::kMarkedFiles:
        return {{"commit-mark", {2 * 4096, SizeOf("commit-mark")}}};
      default: {
        name = AnyOf(Files(".sst"), random);
        if (name.empty()) return {};
        const size_t part = static_cast<size_t>(region) - static_cast<size_t>(Region::kTableData);
        auto [parts, is_new] = parts_.try_emplace(name);
        if (is_new) parts->second = PartsOf(Dir() + "/" + name);
        return {{name, parts->second[part]}};
      }
    }
    if (name.empty()) return {};
    return {{name, {0, SizeOf(name)}}};
  }

  Trial MakeTrial(uint64_t seed) {
    std::mt19937_64 random(seed);
    for (;;) {
      const auto region = static_cast<Region>(random() % kRegionNames.size());
      const auto damage = static_cast<Damage>(random() % kDamageNames.size());
      const auto chosen = Choose(region, random);
      if (!chosen || chosen->second.begin >= chosen->second.end) continue;
      const auto& [name, range] = *chosen;
      const size_t at = range.begin + Below(random, range.end - range.begin);
      const std::string other = name.ends_with(".sst") ? Dir() + "/" + AnyOf(Files(".sst"), random)
                                                       : Older() + "/" + name;
      const bool is_missing = damage == Damage::kMissing;
      if (damage == Damage::kOlderFile && !fs::exists(other)) continue;
      const auto inflict = [=](const std::string& path) {
        return Inflict(damage, at, fs::exists(other) ? Read(other) : "", seed, Read(path));
      };
      const std::string path = Dir() + "/" + name;
      if (!is_missing && inflict(path) == Read(path)) continue;  // no damage
      return {.name = name,
              .what = std::string(kRegionNames[static_cast<size_t>(region)]) + ", " +
                      kDamageNames[static_cast<size_t>(damage)] + ", at " + std::to_string(at) +
                      ", seed " + std::to_string(seed),
              .damage =
                  [=](const std::string& copy) {
                    is_missing ? void(fs::remove(copy)) : Write(copy, inflict(copy));
                  },
              .read_only = seed % 4 == 3};
    }
  }

  // The bytes of a file with the damage; `there` are those of the other file.
  static std::string Inflict(Damage damage, size_t at, const std::string& there, uint64_t seed,
                             std::string bytes) {
    std::mt19937_64 random(seed + 1);
    const size_t page = random() % 2 == 0 ? 512 : 4096;
    const size_t begin = at / page * page;
    const size_t length = std::min(page, bytes.size() - begin);
    const size_t elsewhere = Below(random, (bytes.size() + page - 1) / page) * page;
    switch (damage) {
      case Damage::kFlippedBit:
        bytes[at] = static_cast<char>(bytes[at] ^ 1 << random() % 8);
        break;
      case Damage::kTruncated:
        bytes.resize(at);
        break;
      case Damage::kZeroedPage:
        bytes.replace(begin, length, length, '\0');
        break;
      case Damage::kRandomPage:
        bytes.replace(begin, length, Noise(seed, length));
        break;
      case Damage::kSwappedPages: {
        const size_t both = std::min(length, bytes.size() - elsewhere);
        const std::string mine = bytes.substr(begin, both);
        bytes.replace(begin, both, bytes.substr(elsewhere, both));
        bytes.replace(elsewhere, both, mine);
        break;
      }
      case Damage::kRepeatedPage: {
        const std::string its = bytes.substr(elsewhere, length);
        bytes.replace(begin, its.size(), its);
        break;
      }
      case Damage::kOlderPage: {
        std::string its = begin < there.size() ? there.substr(begin, length) : "";
        its.resize(length, '\0');
        bytes.replace(begin, length, its);
        break;
      }
      case Damage::kOlderFile:
        return there;
      case Damage::kMissing:
        return "";
    }
    return bytes;
  }

  // A word of each kind of file.
  static bool NamesAFile(const std::string& outcome) {
    for (const char* word :
         {".log", ".sst", "MANIFEST", "CURRENT", "commit-mark", "`unirust verify` names"}) {
      if (outcome.find(word) != std::string::npos) return true;
    }
    return false;
  }

  // How many commits are for sure before the first byte that is damaged.
  uint64_t CommitsBefore(const Trial& trial) const {
    const auto log = LogNumber(Dir(), Dir() + "/" + trial.name);
    if (!log) return states_.size();
    const std::string whole = Read(Dir() + "/" + trial.name);
    const std::string damaged = Read(Copy() + "/" + trial.name);
    const auto differs =
        std::mismatch(whole.begin(), whole.end(), damaged.begin(), damaged.end()).first;
    const auto at = static_cast<uint64_t>(differs - whole.begin());
    const auto end = std::find_if(states_.begin(), states_.end(), [&](const State& state) {
      return state.log > *log || (state.log == *log && state.log_end > at);
    });
    return static_cast<uint64_t>(end - states_.begin());
  }

  // One line: how many commits were given up, "cannot" and why, or "!" and what is wrong.
  std::string RunRepair(const Trial& trial) const {
    alarm(kSecondsMax);
    MakeCopy(trial.name);
    trial.damage(Copy() + "/" + trial.name);
    fs::remove_all(Repaired());
    if (!trial.read_only) (void)OpenAndReadAll(Copy(), false);  // somebody tried, and was refused
    const auto repair = Repair::Begin({.dir = Copy(), .memory_budget_bytes = kBudget});
    if (!repair.ok()) {
      std::string why(repair.status().message());
      std::replace(why.begin(), why.end(), '\n', ' ');
      return (absl::IsDataLoss(repair.status()) ? "cannot: " : "! ") + why;
    }
    if (*repair == nullptr) return "whole";
    const Loss& loss = (*repair)->loss();
    const std::string lost = std::to_string(loss.commits());
    if (loss.kept + loss.commits() != states_.size()) return "! tells of " + lost;
    if (loss.kept < CommitsBefore(trial)) return "! gives up " + lost + " without need";
    const absl::Status made = (*repair)->Into(Repaired(), MakeAnew);
    if (!made.ok()) return "! " + std::string(made.message());
    {
      const auto store = Store::Open({.dir = Repaired(), .memory_budget_bytes = kBudget});
      if (!store.ok()) return "! " + std::string(store.status().message());
      const State is = StateOf(**store, Repaired());
      const State was = loss.kept == 0 ? State() : states_[loss.kept - 1];
      if (is.records != was.records) return "! keeps other records";
      if (is.all != was.all && !loss.makes_anew) return "! keeps other rows";
    }
    if ((loss.commits() > 0) == Losses(Repaired()).empty()) return "! does not tell";
    return GoesOn(Repaired()) ? lost : "! does not go on";
  }
  std::string Repaired() const { return temp_.path() + "/repaired"; }

  // What is refused.
  void RepairAll(const std::vector<Trial>& trials) {
    const std::vector<std::string> outcomes =
        RunAll(trials, [&](const Trial& trial) { return RunRepair(trial); });
    for (size_t i = 0; i < trials.size(); ++i) {
      SCOPED_TRACE(trials[i].name + ": " + trials[i].what);
      const std::string& outcome = outcomes[i];
      EXPECT_NE(outcome.substr(0, 1), "!") << outcome;
      EXPECT_NE(outcome.substr(0, 7), "crashed") << outcome;
      const std::string region = trials[i].what.substr(0, trials[i].what.find(", "));
      if (outcome != "whole") {
        ++repairs_[region][outcome.starts_with("cannot") ? 2 : outcome == "0" ? 0 : 1];
      }
      if (region == "CURRENT") {
        EXPECT_EQ(outcome, "0");
      } else if (region.starts_with("table")) {  // it may open, and the damage is in what is read
        EXPECT_TRUE(outcome == "whole" || outcome.starts_with("cannot")) << outcome;
      } else if (region != "log") {
        EXPECT_TRUE(outcome == "0" || outcome.starts_with("cannot")) << outcome;
      } else if (outcome.starts_with("cannot")) {
        EXPECT_NE(outcome.find("tables of family"), std::string::npos) << outcome;
      }
    }
  }

  // Of one store.
  void Campaign(uint64_t first, uint64_t end) {
    fs::remove_all(Dir());
    fs::remove_all(Older());
    parts_.clear();
    const uint64_t store = first / kCopiesPerStore;
    Make([&](const std::string& dir) {
      const std::vector<State> states = MakeStoreOf(store, dir, Older());
      Write(States(), {reinterpret_cast<const char*>(states.data()), states.size() * sizeof(State)});
    });
    const std::string states = Read(States());
    states_.resize(states.size() / sizeof(State));
    std::memcpy(states_.data(), states.data(), states.size());
    std::vector<Trial> trials;
    for (uint64_t seed = first; seed < end; ++seed) trials.push_back(MakeTrial(seed));
    const std::vector<std::string> outcomes = RunAll(trials);
    std::vector<Trial> refused;
    for (size_t i = 0; i < trials.size(); ++i) {
      SCOPED_TRACE(trials[i].name + ": " + trials[i].what);
      const std::string& outcome = outcomes[i];
      std::pair<int, int>& counts = counts_[trials[i].what.substr(0, trials[i].what.find(", at"))];
      ++(outcome == "=" ? counts.first : counts.second);
      EXPECT_NE(outcome, "!") << "a wrong answer";
      EXPECT_NE(outcome.substr(0, 7), "crashed") << outcome;
      if (outcome == "=" || outcome == "!") continue;
      EXPECT_TRUE(NamesAFile(outcome)) << outcome;
      EXPECT_NE(outcome.find("Restore a backup"), std::string::npos) << outcome;
      refused.push_back(trials[i]);
    }
    RepairAll(refused);
  }

  std::map<std::string, std::array<Range, 5>> parts_;  // of tables
  std::map<std::string, std::pair<int, int>> counts_;  // by region and damage: all there, refused
  std::vector<State> states_;
  std::map<std::string, std::array<int, 3>> repairs_;  // by region: nothing lost, some, cannot be repaired
};

TEST_F(DamageCampaignTest, RefusedOrWhole) {
  const uint64_t first = SettingOf("UNIRUST_FIRST_SEED", 1);
  const uint64_t copies = SettingOf("UNIRUST_DAMAGE_COPIES", 300);
  for (uint64_t seed = first; seed < first + copies;) {
    const uint64_t end = std::min(first + copies, (seed / kCopiesPerStore + 1) * kCopiesPerStore);
    ASSERT_NO_FATAL_FAILURE(Campaign(seed, end)) << "seeds " << seed << " to " << end;
    seed = end;
  }
  std::printf("%-40s %10s %10s\n", "damage", "all there", "refused");
  for (const auto& [damage, counts] : counts_) {
    std::printf("%-40s %10d %10d\n", damage.c_str(), counts.first, counts.second);
  }
  std::printf("%-40s %10s %10s %10s\n", "repaired", "all there", "some lost", "cannot be");
  for (const auto& [region, counts] : repairs_) {
    std::printf("%-40s %10d %10d %10d\n", region.c_str(), counts[0], counts[1], counts[2]);
  }
}

}  // namespace
}  // namespace unirust::store
