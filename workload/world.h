// What is true of the entities of a workload, and how much of it each record knows.
//
// A value changes at most once. Of a change, half of the records know (they have both values, one
// after the other); the others are stale and have the first value for good. So stale and informed
// records of an entity disagree from the change on.
#pragma once

#include <cstdint>
#include <string>

#include "model/time.h"
#include "workload/draws.h"
#include "workload/profile.h"
#include "workload/random.h"

namespace unirust::workload {

// Pure functions of the seed: thread-safe, constant time.
class World {
 public:
  explicit World(Random random);

  const Perspective& PerspectiveOf(EntityType type, uint64_t record, bool first_record) const {
    return workload::PerspectiveOf(type, first_record, random_(draws::kPerspective, record));
  }
  bool IsStale(uint64_t record) const { return random_(draws::kStale, record) % 2 == 0; }

  // Appends the record's uid, which no other record has.
  void AppendUid(uint64_t record, std::string* out) const;

  // True if the entity's value of the attribute changes.
  bool Changes(uint64_t entity, Attribute attribute) const;

  // The time from which a record tells dated values, before any change; the time of a change; the
  // end of the value that is the last. Days, written YYYYMMDD.
  Instant Since(uint64_t record) const;
  Instant ChangeTime(uint64_t entity, Attribute attribute) const;
  Instant End(uint64_t entity, Attribute attribute) const;

  // Appends the entity's value before or after the change; they differ.
  void AppendValue(EntityType type, uint64_t entity, Attribute attribute, bool after,
                   std::string* out) const;

  // True if that value of Attribute::kRole is "admin".
  bool IsAdmin(uint64_t entity, bool after) const;

 private:
  enum class Case : uint8_t { kAsIs, kLower };
  uint64_t SurnameRank(uint64_t entity, bool after) const;
  void AppendSurname(uint64_t rank, Case letters, std::string* out) const;
  void AppendName(EntityType type, uint64_t entity, bool after, std::string* out) const;
  void AppendEmail(uint64_t entity, std::string* out) const;
  void AppendRole(uint64_t entity, bool after, std::string* out) const;
  void AppendAddress(uint64_t entity, bool after, std::string* out) const;

  template <size_t kSize>
  const char* Word(const std::array<const char*, kSize>& words, uint64_t purpose,
                   uint64_t entity) const;

  Random random_;
  uint64_t uids_;
  uint64_t tax_ids_;
  uint64_t serials_;
  uint64_t phones_;
};

}  // namespace unirust::workload
