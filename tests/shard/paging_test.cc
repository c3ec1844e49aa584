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

// A listing without an end; keeps what sizes it was asked for.
struct Endless {
  absl::StatusOr<Page<int>> operator()(size_t size, const std::string&) const {
    if (sizes->size() < 5) sizes->push_back(size);
    Page<int> page;
    page.cursor = "more";
    return page;
  }
  std::vector<size_t>* sizes;
};

TEST(PagesAhead, GrowUpToWhatWasAskedFor) {
  std::vector<size_t> sizes;
  {
    const Endless endless{&sizes};
    PagesAhead<Endless> pages(endless, 1000, "");
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(pages.Next().ok());
  }
  EXPECT_EQ(sizes, (std::vector<size_t>{24, 96, 384, 1000, 1000}));
  sizes.clear();
  {
    const Endless endless{&sizes};
    PagesAhead<Endless> pages(endless, 30, "");
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(pages.Next().ok());
  }
  EXPECT_EQ(sizes, (std::vector<size_t>{24, 30, 30, 30, 30}));
}

TEST(PagesAhead, ReadNothingBehindAFirstPageThatIsAllThatWasWanted) {
  int fetched = 0;
  const Numbers numbers{&fetched};
  { EXPECT_TRUE((PagesAhead<Numbers>(numbers, 3, "").Next().ok())); }
  EXPECT_EQ(fetched, 1);
}

}  // namespace
}  // namespace unirust::shard
