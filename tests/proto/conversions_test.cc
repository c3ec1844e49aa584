#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"
#include "proto/answers.h"
#include "proto/ontology.h"
#include "proto/records.h"
#include "proto/status.h"

namespace unirust::proto {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Identity kAda{"person", "crm", "1"};
const Identity kBob{"person", "erp", "a/b"};

TEST(Writes, RoundTrip) {
  Write write;
  write.identity = kAda;
  write.version = -3;
  write.descriptors = {{"email", "a@x.org", {kMinTime, kMaxTime}}, {"name", "", {-5, 7}}};
  const RecordInput input = ToProto(write, 9);
  EXPECT_EQ(input.index(), 9U);
  const auto back = FromProto(input);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->identity, write.identity);
  EXPECT_EQ(back->version, write.version);
  EXPECT_EQ(back->descriptors, write.descriptors);
  EXPECT_FALSE(back->retract);
}

TEST(Writes, KeepRetractionAndAbsentVersion) {
  Write write;
  write.identity = kAda;
  write.retract = true;
  const auto back = FromProto(ToProto(write, 0));
  ASSERT_TRUE(back.ok());
  EXPECT_TRUE(back->retract);
  EXPECT_EQ(back->version, std::nullopt);
}

TEST(Writes, AreRefusedWhenTheOpIsUnknown) {
  RecordInput input = ToProto(Write{.identity = kAda, .version = {}, .descriptors = {}}, 0);
  EXPECT_TRUE(FromProto(input).ok());
  input.set_op(static_cast<WriteOp>(7));
  EXPECT_EQ(FromProto(input).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Writes, AreRefusedWithoutAnIdentity) {
  EXPECT_THAT(std::string(FromProto(RecordInput()).status().message()), HasSubstr("identity"));
}

TEST(Snapshots, RoundTripIntoWrites) {
  RecordView view;
  view.id = RecordId(4);
  view.record = {kBob, 0, {{"a", "b", {1, 2}}}};
  view.entity_name = "person/crm/1";
  const RecordSnapshot snapshot = ToProto(view);
  EXPECT_EQ(snapshot.record_id(), 4U);
  EXPECT_EQ(snapshot.cluster_key(), "person/crm/1");
  const Write write = FromProto(snapshot);
  EXPECT_EQ(write.identity, kBob);
  EXPECT_EQ(write.version, 0);
  EXPECT_EQ(write.descriptors, view.record.descriptors);
}

TEST(Snapshots, LeaveTheVersionOpenWhenAClientLeavesItOut) {
  EXPECT_EQ(FromProto(RecordSnapshot()).version, std::nullopt);
}

TEST(Assignments, CarryAllAddresses) {
  const Assignment assignment{RecordId(5), RecordId(2), "person/crm/1",
                              unirust::WriteOutcome::kStale, 8};
  const IngestAssignment result = ToProto(assignment, 6, 3);
  EXPECT_EQ(result.index(), 6U);
  EXPECT_EQ(result.shard_id(), 3U);
  EXPECT_EQ(result.record_id(), 5U);
  EXPECT_EQ(result.cluster_id(), 2U);
  EXPECT_EQ(result.cluster_key(), "person/crm/1");
  EXPECT_EQ(result.outcome(), WRITE_OUTCOME_STALE);
  EXPECT_EQ(result.version(), 8);
}

unirust::Match MatchOf(const Identity& first, Interval interval) {
  return {{RecordId(1), RecordName(first), first.entity_type, "by_email"},
          interval,
          {{"name", "Ada", interval}}};
}

TEST(QueryOutcomes, BecomeMatches) {
  const QueryEntitiesResponse response =
      ToProto(QueryOutcome(std::vector<Match>{MatchOf(kAda, {1, 5})}), 7);
  ASSERT_EQ(response.matches().matches_size(), 1);
  const QueryMatch& match = response.matches().matches(0);
  EXPECT_EQ(match.shard_id(), 7U);
  EXPECT_EQ(match.cluster_id(), 1U);
  EXPECT_EQ(match.cluster_key(), "person/crm/1");
  EXPECT_EQ(match.cluster_key_identity(), "by_email");
  EXPECT_EQ(match.start(), 1);
  EXPECT_EQ(match.end(), 5);
  ASSERT_EQ(match.golden_size(), 1);
  EXPECT_EQ(match.golden(0).value(), "Ada");
}

TEST(QueryOutcomes, BecomeConflictsWithPairsOverTheOverlap) {
  const unirust::QueryConflict conflict{
      {2, 4}, MatchOf(kAda, {2, 4}), MatchOf(kBob, {2, 4}), {{"name", "Ada"}}};
  const QueryEntitiesResponse response = ToProto(QueryOutcome(conflict), 0);
  EXPECT_EQ(response.conflict().clusters_size(), 2);
  ASSERT_EQ(response.conflict().descriptors_size(), 1);
  EXPECT_EQ(response.conflict().descriptors(0).descriptor().attr(), "name");
  EXPECT_EQ(response.conflict().descriptors(0).start(), 2);
  EXPECT_EQ(response.conflict().descriptors(0).end(), 4);
}

TEST(QueryOutcomes, AreMatchesEvenWhenThereIsNone) {
  EXPECT_TRUE(ToProto(QueryOutcome(std::vector<Match>()), 0).has_matches());
}

TEST(GraphItems, OfDirectConflictsConnectRecords) {
  Conflict conflict;
  conflict.attribute = "name";
  conflict.records = {kAda, kBob};
  conflict.entity_type = "person";
  GraphItem item;
  ToProto(conflict, &item);
  EXPECT_EQ(item.conflict().kind(), "direct");
  EXPECT_EQ(item.conflict().entity_type(), "person");
  EXPECT_THAT(item.conflict_nodes(), ElementsAre("person/crm/1", "person/erp/a%2Fb"));
}

TEST(GraphItems, OfIndirectConflictsConnectEntities) {
  Conflict conflict;
  conflict.kind = ConflictKind::kIndirect;
  conflict.records = {kAda};
  conflict.entities = {"person/x/1", "person/y/1"};
  conflict.entity_count = 2;
  GraphItem item;
  ToProto(conflict, &item);
  EXPECT_THAT(item.conflict_nodes(), ElementsAre("person/x/1", "person/y/1"));
  EXPECT_EQ(item.conflict().entity_count(), 2U);
}

TEST(ConflictFilters, HaveNoTimeWhenTheEndIsNotAfterTheStart) {
  ListConflictsRequest request;
  EXPECT_EQ(FromProto(request)->interval, std::nullopt);
  request.set_start(-4);
  EXPECT_EQ(FromProto(request)->interval, (Interval{-4, 0}));
}

TEST(ConflictFilters, RefuseUnknownKinds) {
  StreamConflictsRequest request;
  request.set_kind("indirect");
  EXPECT_EQ(FromProto(request)->kind, ConflictKind::kIndirect);
  request.set_kind("sideways");
  EXPECT_EQ(FromProto(request).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(GraphFilters, RefuseUnknownPartsAndMalformedNames) {
  ExportGraphRequest request;
  request.add_parts(GRAPH_PART_GENERIC);
  request.add_entities("person/erp/a%2Fb");
  const auto filter = FromProto(request);
  ASSERT_TRUE(filter.ok());
  EXPECT_THAT(filter->parts, ElementsAre(unirust::GraphPart::kGeneric));
  EXPECT_THAT(filter->entities, ElementsAre(kBob));
  request.add_entities("person");
  EXPECT_EQ(FromProto(request).status().code(), absl::StatusCode::kInvalidArgument);
  request.clear_entities();
  request.add_parts(static_cast<GraphPart>(17));
  EXPECT_EQ(FromProto(request).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(RecordFilters, KeepAbsentPartsAbsent) {
  ScanRecordsRequest request;
  EXPECT_EQ(FromProto(request).descriptor, std::nullopt);
  request.mutable_descriptor()->set_attr("email");
  EXPECT_EQ(FromProto(request).descriptor, (AttributeValue{"email", ""}));
}

TEST(OntologyConfigs, BecomeJson) {
  OntologyConfig config;
  IdentityKeyConfig* key = config.add_identity_keys();
  key->set_name("by \"email\"");
  key->add_attributes("email");
  config.add_strong_identifiers("ssn");
  config.add_constraints()->set_attribute("email");
  config.add_constraints()->set_kind(UNIQUE_WITHIN_PERSPECTIVE);
  const auto json = OntologyJson(config);
  ASSERT_TRUE(json.ok());
  EXPECT_THAT(*json, HasSubstr(R"({"attributes":["email"],"name":"by \"email\""})"));
  EXPECT_THAT(*json, HasSubstr(R"("strong_identifiers":["ssn"])"));
  EXPECT_THAT(*json, HasSubstr(R"({"attribute":"email","kind":"unique","name":""})"));
  EXPECT_THAT(*json, HasSubstr(R"("kind":"unique_within_perspective")"));
}

TEST(OntologyConfigs, AreRefusedWhenAKindIsUnknown) {
  OntologyConfig config;
  config.add_constraints()->set_kind(static_cast<ConstraintKind>(3));
  EXPECT_EQ(OntologyJson(config).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Statuses, RoundTrip) {
  EXPECT_TRUE(ToGrpc(absl::OkStatus()).ok());
  const absl::Status status = absl::DataLossError("damaged");
  EXPECT_EQ(FromGrpc(ToGrpc(status)), status);
}

TEST(Statuses, AreCutBetweenCharactersWhenLong) {
  const size_t length = limits::kStatusMessageBytesMax;
  std::string text(length - 6, 'x');
  for (int i = 0; i < 8; ++i) text += "é";
  const std::string cut = ToGrpc(absl::InternalError(text)).error_message();
  EXPECT_LE(cut.size(), length);
  EXPECT_TRUE(IsUtf8(cut));
  EXPECT_THAT(cut, ::testing::EndsWith(" ..."));
}

}  // namespace
}  // namespace unirust::proto
