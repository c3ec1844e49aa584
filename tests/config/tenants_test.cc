#include "config/tenants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"

namespace unirust::config {
namespace {

using ::testing::HasSubstr;

TenantSettings One(const std::string& keys) {
  const auto tenants = ParseTenants("[acme]\n" + keys, "f");
  EXPECT_TRUE(tenants.ok()) << tenants.status();
  return tenants.ok() && tenants->size() == 1 ? tenants->front() : TenantSettings();
}

std::string Fault(const std::string& text) {
  return std::string(ParseTenants(text, "f").status().message());
}

TEST(TenantsFile, HasATableForEach) {
  const auto tenants = ParseTenants(
      "[globex]\n"
      "[acme]\nrecords = 7\nrequests-per-second = 5\nburst = 9\nbytes-in-flight = \"8MiB\"\n"
      "import-dir = \"/srv/acme\"\n",
      "f");
  ASSERT_TRUE(tenants.ok()) << tenants.status();
  ASSERT_EQ(tenants->size(), 2U);
  EXPECT_EQ((*tenants)[0], (TenantSettings{.name = "acme",
                                           .import_dir = "/srv/acme",
                                           .quotas = {.records = 7,
                                                      .requests_per_second = 5,
                                                      .burst = 9,
                                                      .bytes_in_flight = 8U << 20U}}));
  EXPECT_EQ((*tenants)[1], (TenantSettings{.name = "globex", .import_dir = "", .quotas = {}}));
  EXPECT_TRUE(ParseTenants("", "f").value().empty());
}

TEST(TenantsFile, LetsASecondsRequestsComeAtOnceUnlessItSaysMore) {
  EXPECT_EQ(One("requests-per-second = 5\n").quotas.burst, 5U);
  EXPECT_EQ(One("requests-per-second = 5\nburst = 1\n").quotas.burst, 1U);
  EXPECT_THAT(Fault("[acme]\nburst = 5\n"), HasSubstr("'burst' is of 'requests-per-second'"));
}

TEST(TenantsFile, TakesTheEndsOfEachRange) {
  EXPECT_EQ(One("records = 0\n").quotas.records, 0U);
  EXPECT_EQ(One("requests-per-second = 1000000\n").quotas.requests_per_second,
            limits::kTenantRequestsMax);
  EXPECT_EQ(One("bytes-in-flight = \"4MiB\"\n").quotas.bytes_in_flight, limits::kMessageBytesMax);
}

TEST(TenantsFile, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(Fault("[acme"), HasSubstr("f:1: "));
  EXPECT_THAT(Fault("acme = 1\n"), HasSubstr("f: 'acme' is no table"));
  EXPECT_THAT(Fault("[[acme]]\n"), HasSubstr("f: 'acme' is no table"));
  EXPECT_THAT(Fault("[a]\n[a]\n"), HasSubstr("f:2: "));
  EXPECT_THAT(Fault("\n[\"../a\"]\n"), HasSubstr("f:2: tenant '../a': no name"));
  EXPECT_THAT(Fault("[Acme]\n"), HasSubstr("no name"));
  EXPECT_THAT(Fault("[acme]\nrecord = 1\n"), HasSubstr("f:1: tenant 'acme': unknown key 'record'"));
  for (const char* value : {"-1", "1.5", "\"1\"", "true", "[1]"}) {
    EXPECT_THAT(Fault("[acme]\nrecords = " + std::string(value) + "\n"),
                HasSubstr("'records' is not"))
        << value;
  }
  EXPECT_THAT(Fault("[acme]\nrequests-per-second = 0\n"), HasSubstr("from 1 to 1000000"));
  EXPECT_THAT(Fault("[acme]\nrequests-per-second = 1000001\n"), HasSubstr("from 1 to 1000000"));
  EXPECT_THAT(Fault("[acme]\nrequests-per-second = 1\nburst = 0\n"), HasSubstr("'burst' is not"));
  EXPECT_THAT(Fault("[acme]\nbytes-in-flight = \"4095KiB\"\n"), HasSubstr("at least 4MiB"));
  EXPECT_THAT(Fault("[acme]\nbytes-in-flight = \"much\"\n"), HasSubstr("is not a size"));
  EXPECT_THAT(Fault("[acme]\nbytes-in-flight = 8388608\n"), HasSubstr("is not a size"));
  EXPECT_THAT(Fault("[acme]\nimport-dir = 7\n"), HasSubstr("'import-dir' is not a string"));
}

TEST(TenantsFile, HasALimit) {
  std::string text;
  for (size_t i = 0; i < limits::kTenantsMax; ++i) text += "[t" + std::to_string(i) + "]\n";
  EXPECT_EQ(ParseTenants(text, "f").value().size(), limits::kTenantsMax);
  EXPECT_THAT(Fault(text + "[one-more]\n"), HasSubstr("65 tenants; at most 64"));
}

TEST(TenantsFile, IsAbsentUnlessItIsNamed) {
  EXPECT_EQ(OpenTenants(StoreSettings()).value(), nullptr);
  StoreSettings settings;
  settings.tenants = "/nowhere/tenants.toml";
  EXPECT_TRUE(absl::IsInvalidArgument(OpenTenants(settings).status()));
}

}  // namespace
}  // namespace unirust::config
