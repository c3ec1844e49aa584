#include "store/symbols.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/limits.h"
#include "store/store.h"
#include "tests/store/hex.h"
#include "tests/store/temp_dir.h"

namespace unirust::store {
namespace {

using interner::Interner;
using interner::SymbolId;

TEST(Symbols, HaveTheseBytes) {
  EXPECT_EQ(ToHex(SymbolByTextKey("tax")), WithoutSpaces("61 746178"));
  EXPECT_EQ(ToHex(SymbolByIdKey(SymbolId(258))), WithoutSpaces("62 00000102"));
  EXPECT_EQ(ToHex(EncodeSymbolId(SymbolId(258))), "00000102");
  EXPECT_EQ(ToHex(kRetiredText), "ff");
}

class SymbolJournalTest : public ::testing::Test {
 protected:
  SymbolJournalTest() : store_(Store::Open({.dir = temp_.path()}).value()) {}
  void Intern(Interner& interner, const std::string& text) {
    Batch batch;
    ASSERT_TRUE(interner.Intern(text, batch).ok());
    store_->Commit(std::move(batch));
    interner.Committed(interner.Last());
  }

  TempDir temp_;
  std::unique_ptr<Store> store_;
  SymbolJournal journal_{*store_};
};

TEST_F(SymbolJournalTest, FindsInAnEmptyStoreNothing) {
  EXPECT_EQ(journal_.LoadSymbol("a").value(), std::nullopt);
  EXPECT_EQ(journal_.LoadLast().value(), SymbolId());
  EXPECT_EQ(journal_.LoadText(SymbolId(1)).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(SymbolJournalTest, FindsWhatACommitMadeInBothDirections) {
  Interner interner(journal_);
  std::string longest;
  while (longest.size() < limits::kAttributeBytesMax) longest += "\xF4\x8F\xBF\xBF";
  for (const std::string& text :
       {std::string("tax"), longest, std::string("\0", 1), std::string()}) {
    Intern(interner, text);
    const auto id = journal_.LoadSymbol(text).value();
    ASSERT_TRUE(id.has_value());
    EXPECT_EQ(journal_.LoadText(*id).value(), text);
    EXPECT_EQ(journal_.LoadLast().value(), *id);
  }
}

TEST_F(SymbolJournalTest, ARetiredSymbolIsOfNoTextAndNotUsedAgain) {
  Interner interner(journal_);
  Intern(interner, "tax");
  const std::string by_id = SymbolByIdKey(SymbolId(1));
  Batch retired;
  retired.Delete(Family::kSymbols, SymbolByTextKey("tax"));
  retired.Put(Family::kSymbols, by_id, kRetiredText);
  store_->Commit(std::move(retired));
  EXPECT_EQ(journal_.LoadSymbol("tax").value(), std::nullopt);
  EXPECT_EQ(journal_.LoadText(SymbolId(1)).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(journal_.LoadLast().value(), SymbolId(1));
  EXPECT_TRUE(DecodeSymbol(by_id, kRetiredText)->retired);
  EXPECT_FALSE(DecodeSymbol(SymbolByTextKey("\xFF"), EncodeSymbolId(SymbolId(1)))->retired);
}

TEST_F(SymbolJournalTest, NumbersGoOnInANewInterner) {
  for (int i = 1; i <= 300; ++i) {
    Interner interner(journal_);
    Intern(interner, "s" + std::to_string(i));
    EXPECT_EQ(journal_.LoadLast().value(), SymbolId(static_cast<uint32_t>(i)));
  }
}

TEST_F(SymbolJournalTest, ReportsRowsThatAreNotSymbols) {
  Batch batch;
  batch.Put(Family::kSymbols, SymbolByTextKey("tax"), "abc");
  batch.Put(Family::kSymbols, SymbolByIdKey(SymbolId(7)) + "x", "tax");
  store_->Commit(std::move(batch));
  EXPECT_EQ(journal_.LoadSymbol("tax").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(journal_.LoadLast().status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace unirust::store
