// What memtables hold, compared with a std::map: nothing here is large enough to be flushed.
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "store/store.h"
#include "tests/store/temp_dir.h"

namespace unirust::store {
namespace {

using Rows = std::map<std::string, std::string>;

constexpr Family kFamily = Family::kGroups;

std::unique_ptr<Store> Open(const TempDir& temp) {
  auto opened = Store::Open({.dir = temp.path() + "/data"});
  EXPECT_TRUE(opened.ok()) << opened.status();
  return *std::move(opened);
}

class RandomCommits {
 public:
  explicit RandomCommits(uint32_t seed) : random_(seed) {}

  size_t Below(size_t end) { return std::uniform_int_distribution<size_t>(0, end - 1)(random_); }

  // Few keys, so that they are written again and again; many agree in their first eight bytes, some are shorter.
  std::string Key() {
    static const std::vector<std::string> kHeads = {"", "a", "abcdefgh", std::string(8, '\0'), "\xff"};
    std::string out = kHeads[Below(kHeads.size())];
    for (size_t length = Below(4); length > 0; --length) {
      out.push_back(static_cast<char>("\0a\x7f\xff"[Below(4)]));
    }
    return out.empty() ? "b" : out;
  }

  // The next commit, to the store and to `rows`.
  void Commit(Store& store, Rows* rows) {
    std::map<std::string, std::string> writes;  // empty value: delete
    const size_t size = Below(3) == 0 ? 200 : 1 + Below(3);
    for (size_t i = 0; i < size; ++i) {
      writes[Key()] = Below(4) == 0 ? "" : std::to_string(++count_);
    }
    Batch batch;
    for (const auto& [key, value] : writes) {
      if (value.empty()) {
        batch.Delete(kFamily, key);
        rows->erase(key);
      } else {
        batch.Put(kFamily, key, value);
        (*rows)[key] = value;
      }
    }
    store.Commit(std::move(batch));
  }

 private:
  std::mt19937 random_;
  size_t count_ = 0;
};

void ExpectPosition(const Cursor& cursor, const Rows& rows, Rows::const_iterator wanted) {
  ASSERT_EQ(cursor.Valid(), wanted != rows.end());
  if (!cursor.Valid()) return;
  EXPECT_EQ(cursor.key(), wanted->first);
  EXPECT_EQ(cursor.value(), wanted->second);
}

void ExpectScans(const Reader& reader, const Rows& rows) {
  const auto cursor = reader.Scan(kFamily, "", "");
  Rows scanned;
  for (; cursor->Valid(); cursor->Next()) scanned.emplace(cursor->key(), cursor->value());
  EXPECT_EQ(scanned, rows);
  scanned.clear();
  for (cursor->SeekToLast(); cursor->Valid(); cursor->Prev()) {
    scanned.emplace(cursor->key(), cursor->value());
  }
  EXPECT_EQ(scanned, rows);
}

// From a random key some steps to and fro.
void ExpectWalk(const Reader& reader, const Rows& rows, RandomCommits& random) {
  const auto cursor = reader.Scan(kFamily, "", "");
  const std::string from = random.Key();
  cursor->Seek(from);
  auto wanted = rows.lower_bound(from);
  ExpectPosition(*cursor, rows, wanted);
  for (int step = 0; step < 6 && wanted != rows.end(); ++step) {
    if (random.Below(2) == 0) {
      cursor->Next();
      ++wanted;
    } else if (wanted == rows.begin()) {
      cursor->Prev();
      wanted = rows.end();
    } else {
      cursor->Prev();
      --wanted;
    }
    ExpectPosition(*cursor, rows, wanted);
  }
}

void ExpectLookUps(const Reader& reader, const Rows& rows, RandomCommits& random) {
  std::map<std::string, bool> wanted;
  for (int i = 0; i < 50; ++i) wanted[random.Key()] = true;
  std::vector<std::string> keys;
  for (const auto& [key, ignored] : wanted) keys.push_back(key);
  Rows expected;
  for (const std::string& key : keys) {
    std::string value;
    const auto found = reader.Get(kFamily, key, &value);
    ASSERT_TRUE(found.ok()) << found.status();
    ASSERT_EQ(*found, rows.contains(key));
    if (!*found) continue;
    EXPECT_EQ(value, rows.at(key));
    expected[key] = value;
  }
  Rows many;
  const absl::Status status = reader.MultiGet(kFamily, keys, [&](size_t i, std::string_view value) {
    many.emplace(keys[i], value);
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(many, expected);
}

TEST(Memtable, AnswersLikeAMap) {
  for (uint32_t seed = 0; seed < 5; ++seed) {
    SCOPED_TRACE(seed);
    const TempDir temp;
    std::unique_ptr<Store> store = Open(temp);
    RandomCommits random(seed);
    Rows rows;
    Rows rows_then;
    Reader then = store->Snapshot();
    for (int n = 0; n < 300; ++n) {
      random.Commit(*store, &rows);
      if (n == 150) {
        rows_then = rows;
        then = store->Snapshot();
      }
      if (n == 250) {  // the log is replayed into memtables
        then = Reader();
        store.reset();
        store = Open(temp);
      }
      const Reader now = store->Latest();
      ExpectWalk(now, rows, random);
      if (n % 10 == 0) ExpectScans(now, rows);
      if (n % 10 == 0) ExpectLookUps(now, rows, random);
      if (n > 150 && n < 250 && n % 10 == 0) ExpectScans(then, rows_then);
    }
    then = Reader();
  }
}

TEST(Memtable, IsReadWhileItIsWritten) {
  const TempDir temp;
  const std::unique_ptr<Store> store = Open(temp);
  const auto commit = [&](int round) {
    Batch batch;
    for (int i = round % 7; i < 300; i += round % 3 + 1) batch.Delete(kFamily, std::to_string(i));
    for (int i = 1000; i < 1100; ++i) {
      batch.Put(kFamily, std::to_string(i), std::to_string(round));
      batch.Put(kFamily, std::to_string(i - 1000 + round), std::to_string(round));
    }
    store->Commit(std::move(batch));
  };
  commit(0);
  std::atomic<bool> done = false;
  const auto read = [&] {
    while (!done) {  // a commit is seen whole or not at all
      const Reader snapshot = store->Snapshot();
      const auto cursor = snapshot.Scan(kFamily, "1000", "1099~");
      const std::string round(cursor->value());
      int count = 0;
      for (; cursor->Valid(); cursor->Next()) {
        if (cursor->key().size() != 4) continue;
        ASSERT_EQ(cursor->value(), round);
        ++count;
      }
      ASSERT_EQ(count, 100);
      std::string value;
      ASSERT_TRUE(*snapshot.Get(kFamily, "1050", &value));
      ASSERT_EQ(value, round);
    }
  };
  std::thread one(read);
  std::thread other(read);
  for (int round = 1; round < 300; ++round) commit(round);
  done = true;
  one.join();
  other.join();
}

}  // namespace
}  // namespace unirust::store
