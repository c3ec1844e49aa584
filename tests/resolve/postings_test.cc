#include "resolve/postings.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/model/generators.h"
#include "tests/store/temp_dir.h"

namespace unirust::resolve {
namespace {

using Found = std::vector<std::pair<std::string, Interval>>;  // key, interval

// One store for all cases: each has an attribute of its own.
class Postings {
 public:
  Postings() : store_(store::Store::Open({.dir = temp_.path()}).value()) {}

  void Write(SymbolId attribute, const std::string& value, const std::vector<Interval>& intervals) {
    store::Batch batch;
    for (uint32_t i = 0; i < intervals.size(); ++i) {
      const store::AttributeValueRow row{SymbolId(7), SymbolId(8)};
      batch.Put(store::Family::kAttributeValues,
                PostingKey(attribute, value, intervals[i], RecordId(i + 1)),
                row.Encode());
    }
    store_->Commit(std::move(batch));
  }
  store::Reader Read() const { return store_->Latest(); }

 private:
  store::TempDir temp_;
  std::unique_ptr<store::Store> store_;
};

// Reads all postings, in several scans of `page` each.
Found ReadAll(const store::Reader& reader, SymbolId attribute, const std::string& value,
              const Interval& query, size_t page) {
  Found out;
  std::string after;
  while (true) {
    PostingScan scan(reader, attribute, value, query, after);
    Posting posting;
    size_t read = 0;
    for (; read < page && scan.Next(&posting); ++read) {
      RC_ASSERT(posting.entity_type == SymbolId(7));
      RC_ASSERT(posting.perspective == SymbolId(8));
      RC_ASSERT(scan.key() == PostingKey(attribute, value, posting.interval, posting.record));
      out.emplace_back(scan.key(), posting.interval);
      after = scan.key();
    }
    RC_ASSERT(scan.status().ok());
    if (read < page) return out;
  }
}

TEST(PostingScan, FindsWhatOverlapsInAnyPages) {
  Postings postings;
  uint32_t attribute = 0;
  EXPECT_TRUE(rc::check([&] {
    const std::vector<Interval> intervals = *gen::AnyIntervals();
    const Interval query = *gen::AnyInterval();
    const auto value = *rc::gen::element(std::string(), std::string("v"), std::string(500, 'v'));
    const SymbolId of_case(++attribute);
    postings.Write(of_case, value, intervals);
    postings.Write(of_case, value + "x", intervals);
    Found expected;
    for (uint32_t i = 0; i < intervals.size(); ++i) {
      if (!Overlaps(intervals[i], query)) continue;
      expected.emplace_back(PostingKey(of_case, value, intervals[i], RecordId(i + 1)),
                            intervals[i]);
    }
    std::sort(expected.begin(), expected.end());
    RC_ASSERT(ReadAll(postings.Read(), of_case, value, query, 1000) == expected);
    RC_ASSERT(ReadAll(postings.Read(), of_case, value, query, 1) == expected);
    RC_ASSERT(ReadAll(postings.Read(), of_case, value, query, 3) == expected);
  }));
}

// A value that very many hold, at few times: only what holds in the interval is read.
TEST(PostingScan, NeverReadsThePostingsOfOtherTimes) {
  Postings postings;
  const SymbolId attribute(1);
  std::vector<Interval> intervals(5000, {0, 100});              // ended
  intervals.insert(intervals.end(), 5000, {100, 120});          // just ended, and as long as the query reaches back
  intervals.insert(intervals.end(), 5000, {1000, 2000});        // to come
  intervals.insert(intervals.end(), 5, {0, kMaxTime});
  intervals.insert(intervals.end(), 5, {100, 125});
  postings.Write(attribute, "admin", intervals);
  const store::Reader reader = postings.Read();
  const uint64_t before = store::RowsRead();
  PostingScan scan(reader, attribute, "admin", {122, 123}, "");
  Posting posting;
  size_t found = 0;
  while (scan.Next(&posting)) ++found;
  EXPECT_EQ(found, 10U);
  EXPECT_LT(store::RowsRead() - before, 40U);
}

}  // namespace
}  // namespace unirust::resolve
