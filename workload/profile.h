// What is known of people, firms and devices: the perspectives of each type, and the five
// attributes that each perspective tells.
//
// Of each type, one attribute is strong: two values of it are two entities. One is the handle, by
// which people find the entity; a contested record claims the handle of another entity.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace unirust::workload {

enum class EntityType : uint8_t { kPerson, kFirm, kDevice };

enum class Attribute : uint8_t {
  kTaxId,     // strong: person, firm
  kSerial,    // strong: device
  kEmail,     // handle: person
  kWebsite,   // handle: firm
  kHostname,  // handle: device
  kName,
  kPhone,
  kRole,
  kAddress,
  kCountry,
  kModel,
  kFirmware,
  kSite,
};

inline constexpr size_t kAttributesPerPerspective = 5;

struct Perspective {
  const char* name;
  std::array<Attribute, kAttributesPerPerspective> attributes;  // the most selective first
};

// `random` decides. The first record of an entity comes from a perspective that knows the
// strong attribute.
const Perspective& PerspectiveOf(EntityType type, bool first_record, uint64_t random);

const char* NameOf(EntityType type);
const char* NameOf(Attribute attribute);

constexpr bool IsHandle(Attribute attribute) {
  return attribute == Attribute::kEmail || attribute == Attribute::kWebsite ||
         attribute == Attribute::kHostname;
}

// The attributes whose values have a beginning.
constexpr bool IsDated(Attribute attribute) { return attribute >= Attribute::kRole; }

// One in so many entities changes its value of the attribute once; 0: none does.
constexpr uint32_t ChangesOneIn(Attribute attribute) {
  switch (attribute) {
    case Attribute::kName:
      return 8;
    case Attribute::kRole:
    case Attribute::kAddress:
    case Attribute::kSite:
      return 3;
    case Attribute::kFirmware:
      return 2;
    default:
      return 0;
  }
}

// The attributes that may change.
std::span<const Attribute> ChangingAttributes();

}  // namespace unirust::workload
