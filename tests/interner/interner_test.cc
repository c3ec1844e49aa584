#include "interner/interner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/thread.h"

namespace unirust::interner {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

// What a store would hold, with a count of the look-ups that reached it.
class MemoryJournal : public Journal {
 public:
  absl::StatusOr<std::optional<SymbolId>> LoadSymbol(std::string_view text) override {
    MutexLock lock(mutex_);
    ++loads_;
    if (!fault_.ok()) return fault_;
    const auto found = ids_.find(std::string(text));
    return found == ids_.end() ? std::nullopt : std::optional(found->second);
  }
  absl::StatusOr<std::string> LoadText(SymbolId id) override {
    MutexLock lock(mutex_);
    ++loads_;
    if (!fault_.ok()) return fault_;
    const auto found = texts_.find(id);
    if (found == texts_.end())
      return absl::DataLossError("no symbol " + std::to_string(id.value()));
    return found->second;
  }
  absl::StatusOr<SymbolId> LoadLast() override {
    MutexLock lock(mutex_);
    if (!fault_.ok()) return fault_;
    return texts_.empty() ? SymbolId() : texts_.rbegin()->first;
  }

  void Save(SymbolId id, const std::string& text) {
    MutexLock lock(mutex_);
    ids_[text] = id;
    texts_[id] = text;
  }
  void Retire(SymbolId id) {
    MutexLock lock(mutex_);
    ids_.erase(texts_[id]);
  }
  void Fail(absl::Status fault) {
    MutexLock lock(mutex_);
    fault_ = std::move(fault);
  }
  int loads() {
    MutexLock lock(mutex_);
    return loads_;
  }

 private:
  Mutex mutex_;
  std::map<std::string, SymbolId> ids_ ABSL_GUARDED_BY(mutex_);
  std::map<SymbolId, std::string> texts_ ABSL_GUARDED_BY(mutex_);
  absl::Status fault_ ABSL_GUARDED_BY(mutex_);
  int loads_ ABSL_GUARDED_BY(mutex_) = 0;
};

class Created : public NewSymbols {
 public:
  void Add(SymbolId id, std::string_view text) override { list.emplace_back(id, text); }
  std::vector<std::pair<SymbolId, std::string>> list;
};

class InternerTest : public ::testing::Test {
 protected:
  SymbolId Intern(std::string_view text) { return interner_.Intern(text, created_).value(); }
  void Commit() {
    for (const auto& [id, text] : created_.list) journal_.Save(id, text);
    created_.list.clear();
    interner_.Committed(interner_.Last());
  }

  MemoryJournal journal_;
  Interner interner_{journal_};
  Created created_;
};

TEST_F(InternerTest, NumbersNewTextsFromOneAndReportsEachOnce) {
  EXPECT_EQ(Intern("a"), SymbolId(1));
  EXPECT_EQ(Intern("b"), SymbolId(2));
  EXPECT_EQ(Intern("a"), SymbolId(1));
  EXPECT_THAT(created_.list, ElementsAre(Pair(SymbolId(1), "a"), Pair(SymbolId(2), "b")));
}

TEST_F(InternerTest, GoesOnBehindTheHighestStoredId) {
  journal_.Save(SymbolId(7), "old");
  EXPECT_EQ(Intern("old"), SymbolId(7));
  EXPECT_EQ(Intern("new"), SymbolId(8));
  EXPECT_THAT(created_.list, ElementsAre(Pair(SymbolId(8), "new")));
}

TEST_F(InternerTest, FindsPendingSymbolsBeforeTheyAreCommitted) {
  EXPECT_EQ(interner_.Find("a").value(), std::nullopt);
  Intern("a");
  EXPECT_EQ(interner_.Find("a").value(), SymbolId(1));
  EXPECT_EQ(interner_.Text(SymbolId(1)).value(), "a");
  Commit();
  EXPECT_EQ(interner_.Find("a").value(), SymbolId(1));
  EXPECT_EQ(interner_.Text(SymbolId(1)).value(), "a");
}

TEST_F(InternerTest, GivesTheTextOfARetiredSymbolAnotherOne) {
  Intern("a");
  Commit();
  EXPECT_EQ(interner_.Find("a").value(), SymbolId(1));
  journal_.Retire(SymbolId(1));
  interner_.Retired({SymbolId(1)});
  EXPECT_EQ(interner_.Find("a").value(), std::nullopt);
  EXPECT_EQ(Intern("a"), SymbolId(2));
  Commit();
  EXPECT_EQ(interner_.Find("a").value(), SymbolId(2));
  EXPECT_EQ(interner_.Text(SymbolId(2)).value(), "a");
}

TEST_F(InternerTest, TellsWhatWasUsedWhileItWatched) {
  for (const char* text : {"a", "b", "c"}) Intern(text);
  interner_.BeginWatch();
  Intern("a");
  EXPECT_TRUE(interner_.Find("b").value().has_value());  // a reader's question is no use
  Intern("d");  // nobody can have asked whether that is used
  EXPECT_THAT(interner_.EndWatch(), ElementsAre(SymbolId(1)));
  Intern("b");
  interner_.BeginWatch();
  EXPECT_THAT(interner_.EndWatch(), IsEmpty());
}

TEST_F(InternerTest, TellsTextsApartByAllTheirBytes) {
  const std::string zero("a\0b", 3);
  EXPECT_EQ(Intern(zero), SymbolId(1));
  EXPECT_EQ(Intern("a"), SymbolId(2));
  EXPECT_EQ(Intern("A"), SymbolId(3));
  EXPECT_EQ(Intern(""), SymbolId(4));
  EXPECT_EQ(interner_.Text(SymbolId(1)).value(), zero);
}

TEST_F(InternerTest, AsksTheJournalOnceForAStoredSymbol) {
  journal_.Save(SymbolId(1), "a");
  EXPECT_EQ(interner_.Find("a").value(), SymbolId(1));
  const int loads = journal_.loads();
  EXPECT_EQ(interner_.Find("a").value(), SymbolId(1));
  EXPECT_EQ(interner_.Text(SymbolId(1)).value(), "a");
  EXPECT_EQ(journal_.loads(), loads);
}

TEST_F(InternerTest, RemainsRightWhenMoreSymbolsAreUsedThanTheCacheHolds) {
  constexpr uint32_t kCount = limits::kSymbolCacheEntriesMax + 1;
  for (uint32_t i = 1; i <= kCount; ++i) journal_.Save(SymbolId(i), "s" + std::to_string(i));
  const SymbolId pending = Intern("pending");
  for (uint32_t i = 1; i <= kCount; ++i) {
    ASSERT_EQ(interner_.Find("s" + std::to_string(i)).value(), SymbolId(i));
  }
  const int loads = journal_.loads();
  EXPECT_EQ(interner_.Find("s1").value(), SymbolId(1));
  EXPECT_EQ(journal_.loads(), loads + 1) << "the cache was dropped on the way";
  EXPECT_EQ(interner_.Find("pending").value(), pending) << "what is on no disk is never dropped";
  EXPECT_EQ(interner_.Text(pending).value(), "pending");
}

TEST_F(InternerTest, KeepsWhatWasMadeSinceTheCommit) {
  Intern("a");
  const SymbolId last = interner_.Last();
  EXPECT_EQ(last, SymbolId(1));
  Intern("b");
  journal_.Save(SymbolId(1), "a");
  interner_.Committed(last);
  EXPECT_EQ(interner_.Find("a").value(), SymbolId(1));
  EXPECT_EQ(interner_.Find("b").value(), SymbolId(2));
}

TEST_F(InternerTest, ForgetsWhatWasAbandonedAndLeavesNoGap) {
  Intern("a");
  const SymbolId last = interner_.Last();
  Intern("b");
  interner_.Abandoned(last);
  EXPECT_EQ(interner_.Find("a").value(), SymbolId(1));
  EXPECT_EQ(interner_.Find("b").value(), std::nullopt);
  created_.list.clear();
  EXPECT_EQ(Intern("c"), SymbolId(2));
  EXPECT_EQ(Intern("b"), SymbolId(3));
  EXPECT_THAT(created_.list, ElementsAre(Pair(SymbolId(2), "c"), Pair(SymbolId(3), "b")));
  interner_.Abandoned(SymbolId(3));
  EXPECT_EQ(Intern("d"), SymbolId(4));
}

TEST_F(InternerTest, PassesFaultsOfTheJournalOn) {
  EXPECT_EQ(interner_.Text(SymbolId(9)).status().code(), absl::StatusCode::kDataLoss);
  journal_.Fail(absl::DataLossError("checksum"));
  EXPECT_EQ(interner_.Find("a").status(), absl::DataLossError("checksum"));
  EXPECT_EQ(interner_.Intern("a", created_).status(), absl::DataLossError("checksum"));
  EXPECT_THAT(created_.list, IsEmpty());
}

TEST_F(InternerTest, ServesReadersWhileSymbolsAreMade) {
  constexpr int kSymbols = 2000;
  std::vector<std::unique_ptr<Thread>> readers;
  for (int r = 0; r < 3; ++r) {
    readers.push_back(std::make_unique<Thread>("reader", [this] {
      for (int i = 0; i < kSymbols; ++i) {
        const auto id = interner_.Find("s" + std::to_string(i));
        ASSERT_TRUE(id.ok());
        if (!*id) continue;
        EXPECT_EQ(interner_.Text(**id).value(), "s" + std::to_string(i));
      }
    }));
  }
  for (int i = 0; i < kSymbols; ++i) {
    Intern("s" + std::to_string(i));
    if (i % 10 == 0) Commit();
  }
  readers.clear();
  for (int i = 0; i < kSymbols; ++i) {
    EXPECT_EQ(interner_.Find("s" + std::to_string(i)).value(),
              SymbolId(static_cast<uint32_t>(i + 1)));
  }
}

}  // namespace
}  // namespace unirust::interner
