// The canonical lines of items built by hand against what tests/oracle/oracle.py prints for the
// same store.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/formats/format.h"
#include "model/time.h"
#include "tests/cli/foreign.h"

namespace unirust::cli {
namespace {

// Three records of one e-mail address: two entities, since their tax numbers clash, and a generic
// city.
constexpr char kOntology[] = R"({
  "identity_keys": [{"name": "email", "attributes": ["email"]},
                    {"name": "city", "attributes": ["city"], "max_group": 2}],
  "strong_identifiers": ["tax"],
  "constraints": [{"name": "one_tax", "attribute": "tax"}]
})";
constexpr char kRecords[] =
    R"({"entity_type": "p", "perspective": "crm", "uid": "1", "descriptors": [)"
    R"({"attr": "email", "value": "é\"\\\u0001\b\f\u007f😀"}, {"attr": "city", "value": "X"}, )"
    R"({"attr": "tax", "value": "a/b", "end": 10}, {"attr": "tax", "value": "c", "start": 5}]}
{"entity_type": "p", "perspective": "crm", "uid": "2/%", "descriptors": [)"
    R"({"attr": "email", "value": "é\"\\\u0001\b\f\u007f😀", "start": 3}, {"attr": "city", "value": "X"}, )"
    R"({"attr": "tax", "value": "z", "start": -7, "end": 9223372036854775806}]}
{"entity_type": "p", "perspective": "erp", "uid": "1", "descriptors": [{"attr": "city", "value": "X"}]}
{"entity_type": "p", "perspective": "erp", "uid": "2", "descriptors": [{"attr": "e", "value": ""}]}
{"entity_type": "q", "perspective": "erp", "uid": "1", "descriptors": [{"attr": "email", "value": "m"}]}
{"entity_type": "q", "perspective": "erp", "uid": "2", "descriptors": [)"
    R"({"attr": "email", "value": "m", "start": 1, "end": 2}]}
)";
const std::string kEmail = "é\"\\\x01\b\f\x7F😀";

struct Held {
  std::string attribute;
  std::string value;
  Instant start = kMinTime;
  Instant end = kMaxTime;
};

template <typename Descriptor>
void Fill(const Held& held, Descriptor* descriptor) {
  descriptor->set_attr(held.attribute);
  descriptor->set_value(held.value);
  descriptor->set_start(held.start);
  descriptor->set_end(held.end);
}

proto::GraphItem Record(const std::string& type, const std::string& perspective,
                        const std::string& uid, const std::vector<Held>& descriptors) {
  proto::GraphItem item;
  proto::RecordIdentity* identity = item.mutable_record()->mutable_identity();
  identity->set_entity_type(type);
  identity->set_perspective(perspective);
  identity->set_uid(uid);
  for (const Held& held : descriptors) Fill(held, item.mutable_record()->add_descriptors());
  return item;
}

proto::GraphItem Entity(const std::string& type, const std::vector<std::string>& records,
                        const std::vector<Held>& golden) {
  proto::GraphItem item;
  item.mutable_entity()->set_id(records.front());
  item.mutable_entity()->set_entity_type(type);
  for (const std::string& record : records) item.mutable_entity()->add_records(record);
  for (const Held& held : golden) Fill(held, item.mutable_entity()->add_golden());
  return item;
}

proto::GraphItem Conflict(const std::string& kind, const std::string& cause, const Held& when,
                          const std::vector<std::string>& values,
                          const std::vector<std::string>& uids) {
  proto::GraphItem item;
  proto::ConflictSummary* conflict = item.mutable_conflict();
  conflict->set_kind(kind);
  conflict->set_cause(cause);
  conflict->set_attribute(when.attribute);
  conflict->set_start(when.start);
  conflict->set_end(when.end);
  conflict->set_entity_type("p");
  for (const std::string& value : values) conflict->add_values(value);
  for (const std::string& uid : uids) {
    proto::RecordRef* record = conflict->add_records();
    record->set_perspective("crm");
    record->set_uid(uid);
  }
  conflict->set_record_count(uids.size());
  return item;
}

std::vector<proto::GraphItem> Records() {
  constexpr Instant kAlmostMax = kMaxTime - 1;
  return {
      Record("p", "crm", "1",
             {{"city", "X"}, {"email", kEmail}, {"tax", "a/b", kMinTime, 10}, {"tax", "c", 5}}),
      Record("p", "crm", "2/%",
             {{"city", "X"}, {"email", kEmail, 3}, {"tax", "z", -7, kAlmostMax}}),
      Record("p", "erp", "1", {{"city", "X"}}),
      Record("p", "erp", "2", {{"e", ""}}),
      Record("q", "erp", "1", {{"email", "m"}}),
      Record("q", "erp", "2", {{"email", "m", 1, 2}}),
  };
}

std::vector<proto::GraphItem> Entities() {
  constexpr Instant kAlmostMax = kMaxTime - 1;
  return {
      Entity("p", {"p/crm/1"},
             {{"city", "X"}, {"email", kEmail}, {"tax", "a/b", kMinTime, 5}, {"tax", "c", 10}}),
      Entity("p", {"p/crm/2%2F%25"},
             {{"city", "X"}, {"email", kEmail, 3}, {"tax", "z", -7, kAlmostMax}}),
      Entity("p", {"p/erp/1"}, {{"city", "X"}}),
      Entity("p", {"p/erp/2"}, {}),
      Entity("q", {"q/erp/1", "q/erp/2"}, {{"email", "m"}}),
  };
}

std::vector<proto::GraphItem> Rest() {
  const Held both{"tax", "", 5, 10};
  std::vector<proto::GraphItem> items = {
      Conflict("direct", "", both, {"a/b", "c"}, {"1"}),
      Conflict("constraint_violation", "one_tax", both, {"a/b", "c"}, {"1"}),
      Conflict("indirect", "strong_id_conflict", {"tax", ""}, {kEmail}, {"1", "2/%"}),
  };
  proto::ConflictSummary* indirect = items.back().mutable_conflict();
  indirect->set_key("email");
  indirect->add_entities("p/crm/1");
  indirect->add_entities("p/crm/2%2F%25");
  indirect->set_entity_count(2);
  proto::GraphSameAs* edge = items.emplace_back().mutable_same_as();
  edge->set_source("q/erp/1");
  edge->set_target("q/erp/2");
  edge->set_key("email");
  edge->add_values("m");
  edge->set_start(1);
  edge->set_end(2);
  proto::GraphGeneric* generic = items.emplace_back().mutable_generic();
  generic->set_entity_type("p");
  generic->set_key("city");
  generic->add_values("X");
  generic->set_record_count(3);
  return items;
}

TEST(Canonical, EqualsTheOracleByteForByte) {
  UNIRUST_NEEDS("python3");
  const std::string directory = testing::TempDir() + "/canonical-" + std::to_string(getpid());
  std::filesystem::create_directory(directory);
  std::ofstream(directory + "/ontology.json") << kOntology;
  std::ofstream(directory + "/records.jsonl") << kRecords;
  int exit_code = 0;
  const std::string expected =
      RunShell(std::string("python3 ") + UNIRUST_ORACLE + " --ontology " + directory +
                   "/ontology.json " + directory + "/records.jsonl",
               &exit_code);
  ASSERT_EQ(exit_code, 0) << expected;

  const auto writer = NewGraphWriter("canonical", directory + "/out");
  ASSERT_TRUE(writer.ok()) << writer.status();
  for (const auto& part : {Rest(), Records(), Entities()}) {
    for (const proto::GraphItem& item : part) ASSERT_TRUE((*writer)->Add(item.SerializeAsString()).ok());
  }
  ASSERT_TRUE((*writer)->Finish().ok());
  std::ostringstream got;
  got << std::ifstream(directory + "/out").rdbuf();
  EXPECT_EQ(got.str(), expected);
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace unirust::cli
