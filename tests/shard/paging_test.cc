#include "shard/paging.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/limits.h"
#include "model/answers.h"

namespace unirust::shard {
namespace {

TEST(PageSize, IsTheDefaultWhereNothingIsAskedFor) {
  EXPECT_EQ(PageSize(0), limits::kPageItemsDefault);
}

TEST(PageSize, IsNeverMoreThanTheLimitOrTheRequest) {
  EXPECT_EQ(PageSize(3), 3U);
  EXPECT_EQ(PageSize(limits::kPageItemsMax), limits::kPageItemsMax);
  EXPECT_EQ(PageSize(1'000'000'000), limits::kPageItemsMax);
}

// Numbers up to 7, in pages of three.
struct Numbers {
  absl::StatusOr<Page<int>> operator()(size_t, const std::string& cursor) const {
    ++*fetched;
    Page<int> page;
    int next = cursor.empty() ? 0 : std::stoi(cursor);
    for (; next < 7 && page.items.size() < 3; ++next) page.items.push_back(next);
    if (next < 7) page.cursor = std::to_string(next);
    return page;
  }
  int* fetched;
};

TEST(PagesAhead, ComeInTheirOrder) {
  int fetched = 0;
  const Numbers numbers{&fetched};
  PagesAhead<Numbers> pages(numbers, 3, "");
  std::vector<int> all;
  for (std::string cursor = "more"; !cursor.empty();) {
    const auto page = pages.Next();
    ASSERT_TRUE(page.ok());
    all.insert(all.end(), page->items.begin(), page->items.end());
    cursor = page->cursor;
  }
  EXPECT_EQ(all, (std::vector<int>{0, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(fetched, 3);
}

TEST(PagesAhead, ReadNothingBehindAFirstPageThatIsAllThatWasWanted) {
  int fetched = 0;
  const Numbers numbers{&fetched};
  { EXPECT_TRUE((PagesAhead<Numbers>(numbers, 3, "").Next().ok())); }
  EXPECT_EQ(fetched, 1);
}

}  // namespace
}  // namespace unirust::shard
