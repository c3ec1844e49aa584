#include "bench/random_records.h"

#include <array>
#include <limits>

#include "base/hash.h"

namespace unirust::bench {
namespace {

constexpr std::array<const char*, 4> kSources = {"crm", "erp", "shop", "web"};

// Of 100,000 entities all are in the first source, 70,000 in the second, 35,000 in the third,
// 15,000 in the fourth: 2.2 records an entity.
constexpr std::array<uint64_t, 4> kEntitiesPerSource = {100000, 70000, 35000, 15000};
constexpr uint64_t kEntitiesPerBlock = 100000;
constexpr uint64_t kRecordsPerBlock = 220000;

enum Salt : uint64_t { kContest = 1, kName, kCity, kStart, kPhone };

void Add(proto::RecordInput* record, const char* attribute, std::string value, int64_t start) {
  proto::RecordDescriptor* descriptor = record->add_descriptors();
  descriptor->set_attr(attribute);
  descriptor->set_value(std::move(value));
  descriptor->set_start(start);
  descriptor->set_end(std::numeric_limits<int64_t>::max());
}

}  // namespace

const char* RandomRecords::Ontology() {
  return R"({
    "identity_keys": [
      {"name": "email", "attributes": ["email"]},
      {"name": "name_phone", "attributes": ["name", "phone"]}],
    "strong_identifiers": [{"attribute": "tax_id", "scope": "global"}],
    "attributes": {"city": {"multi_valued": true}},
    "perspective_weights": {"erp": 3, "crm": 2},
    "golden": {"default": ["priority", "latest"]}})";
}

RandomRecords::Place RandomRecords::PlaceOf(uint64_t number) {
  Place place{.entity = number / kRecordsPerBlock * kEntitiesPerBlock, .source = 0};
  uint64_t rest = number % kRecordsPerBlock;
  while (rest >= kEntitiesPerSource[place.source]) rest -= kEntitiesPerSource[place.source++];
  place.entity += rest;
  return place;
}

uint64_t RandomRecords::Random(uint64_t what, uint64_t salt) const {
  const std::array<uint64_t, 3> mixed = {seed_, what, salt};
  return Hash64({reinterpret_cast<const char*>(mixed.data()), sizeof(mixed)});
}

std::string RandomRecords::EmailOf(uint64_t number) const {
  const uint64_t entity = PlaceOf(number).entity;
  const bool contested = Random(number, kContest) % 100 == 0 && entity > 0;
  return "e" + std::to_string(contested ? entity - 1 : entity) + "@example.org";
}

void RandomRecords::Make(uint64_t number, proto::RecordInput* record) const {
  constexpr int64_t kFirstDay = 20100101;
  const auto [entity, source] = PlaceOf(number);
  record->mutable_identity()->set_entity_type("person");
  record->mutable_identity()->set_perspective(kSources[source]);
  record->mutable_identity()->set_uid(std::to_string(entity));
  constexpr int64_t kAlways = std::numeric_limits<int64_t>::min();
  Add(record, "email", EmailOf(number), kAlways);
  Add(record, "tax_id", "T" + std::to_string(entity), kAlways);
  Add(record, "name", "Name " + std::to_string(Random(entity, kName) % 50000), kAlways);
  Add(record, "phone", "+44 " + std::to_string(Random(entity, kPhone) % 10000000), kAlways);
  Add(record, "city", "City " + std::to_string(Random(entity + source, kCity) % 1000),
      kFirstDay + static_cast<int64_t>(Random(number, kStart) % 3650));
}

}  // namespace unirust::bench
