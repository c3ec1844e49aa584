#include "base/tenant_name.h"

#include <gtest/gtest.h>

#include <string>

namespace unirust {
namespace {

TEST(TenantName, IsOneComponentOfAPath) {
  for (const char* name : {"a", "0", "acme", "a-b", "a--", "tenant-7"}) {
    EXPECT_TRUE(IsTenantName(name)) << name;
  }
  for (const char* name :
       {"", "-a", ".", "..", "a.b", "a/b", "/", "A", "a_b", "a b", "*", "\xc3\xa9", "a\n"}) {
    EXPECT_FALSE(IsTenantName(name)) << name;
  }
  EXPECT_FALSE(IsTenantName(std::string("a\0", 2)));
}

TEST(TenantName, HasALimit) {
  EXPECT_TRUE(IsTenantName(std::string(limits::kTenantNameBytesMax, 'a')));
  EXPECT_FALSE(IsTenantName(std::string(limits::kTenantNameBytesMax + 1, 'a')));
}

}  // namespace
}  // namespace unirust
