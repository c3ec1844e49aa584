// A store whose commits tell their number in several families, so that a state that mixes two shows.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "base/thread.h"
#include "store/store.h"
#include "tests/store/temp_dir.h"

namespace unirust::store {

inline std::optional<std::string> Get(const Reader& reader, Family family, const std::string& key) {
  std::string value;
  const auto found = reader.Get(family, key, &value);
  EXPECT_TRUE(found.ok()) << found.status();
  return found.ok() && *found ? std::optional(value) : std::nullopt;
}

// Runs a body over and over until the end of the scope, whichever way that is left.
class Meanwhile {
 public:
  explicit Meanwhile(std::function<void(uint64_t)> body)
      : thread_("meanwhile", [this, body = std::move(body)] {
          for (uint64_t n = 1; !stop_; ++n) body(n);
        }) {}
  ~Meanwhile() { stop_ = true; }

 private:
  std::atomic<bool> stop_ = false;
  Thread thread_;
};

class NumberedCommitsTest : public ::testing::Test {
 protected:
  void OpenToWrite() {
    store_.reset();
    auto opened = Store::Open({.dir = Dir(), .memory_budget_bytes = 64U << 20U});
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }
  std::string Dir() const { return temp_.path() + "/data"; }

  // One commit of several families, all of which tell its number; `filler` bytes, which do not compress, make memtables
  // flush.
  void CommitNumber(uint64_t number, size_t filler = 0) {
    const std::string text = std::to_string(number);
    Batch batch;
    batch.Put(Family::kMeta, "last", text);
    batch.Put(Family::kRecords, "last", text);
    batch.Put(Family::kGroups, "last", text);
    std::string noise(filler, '\0');
    std::mt19937_64 random(number);
    std::generate(noise.begin(), noise.end(), [&] { return static_cast<char>(random()); });
    batch.Put(Family::kRecords, "n" + text, noise);
    batch.Put(Family::kTouches, "n" + text, noise.substr(filler - filler / 3));
    store_->Commit(std::move(batch));
  }
  // Writes the rows of the derived families into a new generation and switches to it.
  void ResolveAnew(uint64_t number) {
    ASSERT_EQ(store_->BeginGeneration(), absl::OkStatus());
    Batch derived;
    const Reader reader = store_->Latest();
    const auto cursor = reader.Scan(Family::kTouches, "", "");
    for (; cursor->Valid(); cursor->Next()) {
      derived.Put(Family::kTouches, cursor->key(), cursor->value());
    }
    derived.Put(Family::kGroups, "last", std::to_string(number));
    ASSERT_TRUE(store_->SwitchGeneration(std::move(derived)).ok());
  }
  // The number of the last commit, after a look whether all of it and all before it are there.
  static uint64_t CheckedLast(const Store& store) {
    const Reader reader = store.Snapshot();
    const std::string last = Get(reader, Family::kMeta, "last").value_or("0");
    EXPECT_EQ(Get(reader, Family::kRecords, "last").value_or("0"), last);
    EXPECT_EQ(Get(reader, Family::kGroups, "last").value_or("0"), last);
    for (const Family family : {Family::kRecords, Family::kTouches}) {
      uint64_t rows = 0;
      const auto cursor = reader.ScanPrefix(family, "n");
      for (; cursor->Valid(); cursor->Next()) ++rows;
      EXPECT_EQ(cursor->status(), absl::OkStatus());
      EXPECT_EQ(std::to_string(rows), last) << FamilyName(family);
    }
    return std::stoull(last);
  }

  TempDir temp_;
  std::unique_ptr<Store> store_;
};

}  // namespace unirust::store
