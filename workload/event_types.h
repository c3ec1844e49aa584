// What the records of the workload "events" say: eight types with their shares, perspectives and
// attributes, and how values are written. Tables only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace unirust::workload {

using Words = std::span<const char* const>;

enum class Form : uint8_t {
  kWord,            // one of `words`
  kNumber,          // `prefix`, a number in [low, high), zeros before it up to `width` digits
  kHex,             // `prefix` and 16 hex digits
  kShortHex,        // `prefix` and 8 hex digits
  kHash,            // 64 hex digits, lower case
  kSid,             // S-1-5-21-, a number of 32 bits, -, the record's number
  kUpn,             // user, the record's number, @corp.example
  kPrivateAddress,  // 10.x.x.y, y from 1 to 254
  kPublicAddress,   // z.x.x.y, z from 1 to 223
  kMac,             // six pairs of hex digits
  kCve,             // CVE-, 2020 to 2024, -, 1000 to 99998
  kScore,           // 0.0 to 9.9
  kPath,            // a stem, file, six digits, an ending
  kStart,           // the start of the record's interval
  kUser,            // the user_sid of a seed
  kAsset,           // the asset_id of a seed
};

struct EventAttribute {
  const char* name;
  Form form;
  Words words = {};
  const char* prefix = "";
  uint32_t low = 0;
  uint32_t high = 0;
  uint32_t width = 1;
  bool of_seed = false;  // a record that repeats a seed tells the seed's value
};

struct EventType {
  const char* name;
  uint32_t share;       // of kEventsPerBlock
  uint32_t first_turn;  // the shares of the types before it
  Words perspectives;
  std::span<const EventAttribute> attributes;  // the most selective first
};

inline constexpr uint32_t kEventsPerBlock = 20;

// All of them; the place of user and of asset.
std::span<const EventType> EventTypes();
inline constexpr size_t kUserType = 0;
inline constexpr size_t kAssetType = 4;

// How the path of a file begins and ends.
Words PathStems();
Words PathEndings();

}  // namespace unirust::workload
