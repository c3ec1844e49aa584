// Keeps docs/limits.md equal to base/limits.h: the same constants with the same values, a row each.
#include "base/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace unirust {
namespace {

std::string ReadFile(const std::string& name) {
  std::ifstream in(std::string(UNIRUST_SOURCE_DIR) + "/" + name);
  EXPECT_TRUE(in.good()) << name;
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// What the compiler sees. A constant that is missing here fails ListsEveryConstantOfTheHeader.
const std::map<std::string, uint64_t>& Compiled() {
#define LIMIT(name) \
  { #name, static_cast < uint64_t>(limits::name) }
  static const std::map<std::string, uint64_t> values = {
      LIMIT(kIdentityPartBytesMax),  LIMIT(kAttributeBytesMax),
      LIMIT(kValueBytesMax),         LIMIT(kDescriptorsPerRecordMax),
      LIMIT(kKeyInstancesMax),       LIMIT(kMessageBytesMax),
      LIMIT(kRecordsPerRequestMax),  LIMIT(kErasuresPerRequestMax),
      LIMIT(kQueryDescriptorsMax),
      LIMIT(kQueryMatchesMax),       LIMIT(kPageItemsDefault),
      LIMIT(kPageItemsMax),          LIMIT(kPageBytesMax),
      LIMIT(kPageRowsReadMax),       LIMIT(kPageBytesReadMax),
      LIMIT(kSweepBytes),            LIMIT(kUnaryAnswerBytesMax),
      LIMIT(kCursorBytesMax),        LIMIT(kAnswerBytesMax),
      LIMIT(kOntologyNameBytesMax),  LIMIT(kRequestIdBytesMax),
      LIMIT(kScrapesMax),            LIMIT(kScrapeRequestMsMax),
      LIMIT(kStatusMessageBytesMax), LIMIT(kChunksInFlightMax),
      LIMIT(kCommitRecordsMax),      LIMIT(kCommitBytesPerRecord),
      LIMIT(kServerThreadsMax),      LIMIT(kIdleServerThreadsMax),
      LIMIT(kDrainMsMax),            LIMIT(kCallsMax),
      LIMIT(kCallsPerMethodMax),     LIMIT(kAnswerStreamsMax),
      LIMIT(kAnswerStreamsKept),     LIMIT(kReadersKnownMax), LIMIT(kPromptAnswerMsMax),
      LIMIT(kRequestStreamsMax),     LIMIT(kGraphExportsMax),
      LIMIT(kRetryAfterMs),          LIMIT(kStalledAnswerMsMax),
      LIMIT(kStalledAnswerFullMsMax), LIMIT(kKeepaliveMs), LIMIT(kClientPingMsMin),
      LIMIT(kReadAttemptsMax), LIMIT(kReadBackoffMs), LIMIT(kPartKeepaliveMs),
      LIMIT(kPartKeepaliveAnswerMsMax),
      LIMIT(kDecodedBytesMax),       LIMIT(kSmallRequestBytesMax),
      LIMIT(kPartSignMs),
      LIMIT(kKeepaliveAnswerMsMax),  LIMIT(kTransportBytesMax),
      LIMIT(kSymbolCacheEntriesMax), LIMIT(kMemoryBudgetBytesMin),
      LIMIT(kConflictNamesMax),      LIMIT(kNeighbourhoodRecordsMax),
      LIMIT(kLargeEntityRecordsMin), LIMIT(kLargeGroupPiecesMin), LIMIT(kLargeBlockKidsMin),
      LIMIT(kOntologyBytesMax),      LIMIT(kInputLineBytesMax),
      LIMIT(kCsvMappingBytesMax),    LIMIT(kWorkloadRecordsMax),
      LIMIT(kSlots),                 LIMIT(kRecordsPerSlotMax),
      LIMIT(kPurgeLookSeconds),
      LIMIT(kBackupRetrySecondsMax), LIMIT(kLogsMarkedMax), LIMIT(kImageAttemptsMax),
      LIMIT(kReadOnlyAttemptsMax),   LIMIT(kLogBytesMax),
      LIMIT(kLogBytesLeftMax),       LIMIT(kEpochsKept),
      LIMIT(kDeliveryRetryMsMin),    LIMIT(kDeliveryRetryMsMax),
      LIMIT(kPartDeadlineMs),        LIMIT(kPartBytesPerMsMin),
      LIMIT(kPartStatusDeadlineMs),
      LIMIT(kPartPatienceMs),        LIMIT(kPartPageRowsMax),
      LIMIT(kPartStatesMax),         LIMIT(kPartStateIdleSecondsMax),
      LIMIT(kPartsMax),              LIMIT(kSlotRowsBytesMax),
      LIMIT(kSlotRowsReadMax),       LIMIT(kPrincipalsMax),
      LIMIT(kPrincipalNameBytesMax), LIMIT(kAuditFileBytesMax),
      LIMIT(kTenantsMax),            LIMIT(kTenantNameBytesMax),
      LIMIT(kTenantRequestsMax)};
#undef LIMIT
  return values;
}

std::set<std::string> Names(const std::map<std::string, uint64_t>& values) {
  std::set<std::string> names;
  for (const auto& [name, value] : values) names.insert(name);
  return names;
}

// Rows like "| `kValueBytesMax` | 65,536 | ... |".
std::map<std::string, uint64_t> Documented() {
  std::map<std::string, uint64_t> values;
  const std::regex row(R"(\| `(k\w+)` \| ([0-9,]+) \|)");
  const std::string text = ReadFile("docs/limits.md");
  for (std::sregex_iterator it(text.begin(), text.end(), row), end; it != end; ++it) {
    std::string digits = (*it)[2];
    std::erase(digits, ',');
    EXPECT_TRUE(values.emplace((*it)[1], std::stoull(digits)).second) << (*it)[1] << " twice";
  }
  return values;
}

TEST(Limits, ListsEveryConstantOfTheHeader) {
  std::set<std::string> names;
  const std::regex definition(R"(inline constexpr \w+ (k\w+) =)");
  const std::string text = ReadFile("base/limits.h");
  for (std::sregex_iterator it(text.begin(), text.end(), definition), end; it != end; ++it) {
    names.insert((*it)[1]);
  }
  EXPECT_EQ(names, Names(Compiled()));
}

TEST(Limits, DocumentHasOneRowPerConstantWithItsValue) {
  EXPECT_THAT(Documented(), ::testing::ContainerEq(Compiled()));
}

}  // namespace
}  // namespace unirust
