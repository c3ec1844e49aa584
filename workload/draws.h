// What random numbers are drawn for: the first argument of Random. A new purpose leaves the numbers
// of all others as they are.
#pragma once

#include <cstdint>

namespace unirust::workload::draws {

enum : uint64_t {
  // by cell, group or window
  kTypeTurn = 1,
  kEventTurn,
  kEventPlace,
  kOrder,
  // by record
  kSource,
  kStale,
  kSince,
  // by entity
  kFirstName,
  kSurname,
  kNewSurname,
  kDomain,
  kTrade,
  kCity,
  kStreet,
  kHouse,
  kCountry,
  kModel,
  kFirmware,
  kRole,
  kNewRole,
  kRoleEnd,
  // once
  kUids,
  kTaxIds,
  kSerials,
  kPhones,
  // by entity, each and so many more as there are attributes
  kChange = 1000,
  kChangeTime = 2000,
};

}  // namespace unirust::workload::draws
