#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <limits>
#include <string>

#include "base/bytes.h"
#include "base/hash.h"
#include "ontology/ontology.h"
#include "tests/ontology/sample_ontology.h"

namespace unirust::ontology {
namespace {

constexpr size_t kHeaderBytes = 24;

std::string ReadSample(const std::string& name) {
  std::ifstream file(std::string(UNIRUST_SAMPLES_DIR) + "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A well-formed header in front of any content.
std::string Sealed(const std::string& content) {
  std::string out = "UNIRONTO";
  AppendBig64(&out, content.size());
  AppendBig64(&out, Hash64(content));
  return out + content;
}

void ExpectDataLoss(const std::string& bytes) {
  EXPECT_EQ(Unarchive(bytes).status().code(), absl::StatusCode::kDataLoss);
}

TEST(Archive, GivesBackEveryMember) {
  const auto copy = Unarchive(Archive(SampleOntologyV2()));
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_EQ(*copy, SampleOntologyV2());
}

TEST(Archive, GivesBackTheEmptyOntology) {
  const auto copy = Unarchive(Archive(Ontology{}));
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_EQ(*copy, Ontology{});
}

TEST(Archive, LoadsTheStoredSampleOfVersion1) {
  const auto sample = Unarchive(ReadSample("ontology_v1.archive"));
  ASSERT_TRUE(sample.ok()) << sample.status();
  EXPECT_EQ(*sample, SampleOntologyV1());
}

TEST(Archive, LoadsTheStoredSampleOfVersion2) {
  const auto sample = Unarchive(ReadSample("ontology_v2.archive"));
  ASSERT_TRUE(sample.ok()) << sample.status();
  EXPECT_EQ(*sample, SampleOntologyV2());
}

TEST(Unarchive, RefusesEveryTruncation) {
  const std::string bytes = Archive(SampleOntologyV2());
  for (size_t size = 0; size < bytes.size(); ++size) ExpectDataLoss(bytes.substr(0, size));
}

TEST(Unarchive, RefusesEveryFlippedBit) {
  const std::string bytes = Archive(SampleOntologyV2());
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    ExpectDataLoss(flipped);
  }
}

TEST(Unarchive, RefusesTrailingBytes) { ExpectDataLoss(Archive(Ontology{}) + "x"); }

TEST(Unarchive, RefusesContentThatBoostCannotRead) {
  const std::string content = Archive(SampleOntologyV2()).substr(kHeaderBytes);
  ExpectDataLoss(Sealed(""));
  ExpectDataLoss(Sealed("22 serialization::archive 99"));
  for (size_t size = 0; size < content.size() / 2; size += 7) {
    ExpectDataLoss(Sealed(content.substr(0, size)));
  }
}

TEST(Unarchive, RefusesAClassVersionOfANewerProgram) {
  std::string content = Archive(Ontology{}).substr(kHeaderBytes);
  const size_t version_at =
      content.find(" 0 2 ") + 3;  // after the tracking flag of the first class
  ASSERT_LT(version_at, content.size());
  content[version_at] = '3';
  const absl::Status refused = Unarchive(Sealed(content)).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(refused.message()), ::testing::HasSubstr("newer program"));
}

TEST(Unarchive, RefusesValuesOutOfRange) {
  Ontology o = SampleOntologyV2();
  o.strong_identifiers[0].scope = static_cast<Scope>(2);
  ExpectDataLoss(Archive(o));
  o = SampleOntologyV2();
  o.constraints[0].kind = static_cast<ConstraintKind>(7);
  ExpectDataLoss(Archive(o));
  o = SampleOntologyV2();
  o.golden_attributes["name"][0] = static_cast<Strategy>(4);
  ExpectDataLoss(Archive(o));
  o = SampleOntologyV2();
  o.perspective_weights["crm"] = std::numeric_limits<double>::infinity();
  ExpectDataLoss(Archive(o));
  o = SampleOntologyV2();
  o.retention[0].ended_before = -1;
  ExpectDataLoss(Archive(o));
}

}  // namespace
}  // namespace unirust::ontology
