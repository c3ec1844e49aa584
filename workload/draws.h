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
  kPerspective,
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
  // by entity or record, for variants of people
  kAccount,
  kClaims,
  kClaimed,
  kMovesTo,
  // by block of writes
  kRewrittenBlock,
  kRewrittenDistance,
  // by event
  kSeedTurn,
  kSeed,
  kEventPerspective,
  kEventTime,
  // by entity, each and so many more as there are attributes
  kChange = 1000,
  kChangeTime = 2000,
  // by event, each and so many more as a type has attributes
  kEventValue = 3000,
};

}  // namespace unirust::workload::draws
