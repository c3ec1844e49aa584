#include "workload/profile.h"

#include "workload/random.h"

namespace unirust::workload {
namespace {

using enum Attribute;

constexpr Perspective kPersonPerspectives[] = {
    {"crm", {kTaxId, kEmail, kPhone, kName, kRole}},
    {"erp", {kTaxId, kEmail, kPhone, kName, kRole}},
    {"registry", {kTaxId, kEmail, kPhone, kName, kAddress}},
    {"shop", {kEmail, kPhone, kName, kAddress, kRole}},
    {"web", {kEmail, kPhone, kName, kCountry, kRole}},
};

constexpr Perspective kFirmPerspectives[] = {
    {"crm", {kTaxId, kWebsite, kName, kAddress, kCountry}},
    {"erp", {kTaxId, kWebsite, kName, kAddress, kCountry}},
    {"registry", {kTaxId, kWebsite, kName, kAddress, kCountry}},
    {"web", {kTaxId, kWebsite, kName, kAddress, kCountry}},
};

constexpr Perspective kDevicePerspectives[] = {
    {"erp", {kSerial, kHostname, kModel, kSite, kCountry}},
    {"inventory", {kSerial, kHostname, kModel, kFirmware, kSite}},
    {"monitor", {kSerial, kHostname, kModel, kFirmware, kCountry}},
};

// Indices of perspectives, each as often as it is probable.
constexpr uint8_t kFirstOfPerson[] = {0, 0, 0, 1, 1, 2};
constexpr uint8_t kLaterOfPerson[] = {0, 0, 0, 1, 1, 2, 3, 4, 4, 4};
constexpr uint8_t kOfFirm[] = {0, 0, 1, 1, 1, 2, 3};
constexpr uint8_t kOfDevice[] = {0, 1, 1, 2, 2};

constexpr Attribute kChanging[] = {kName, kRole, kAddress, kFirmware, kSite};

uint8_t Pick(std::span<const uint8_t> from, uint64_t random) {
  return from[Below(random, from.size())];
}

}  // namespace

const Perspective& PerspectiveOf(EntityType type, bool first_record, uint64_t random) {
  switch (type) {
    case EntityType::kPerson:
      return kPersonPerspectives[first_record ? Pick(kFirstOfPerson, random)
                                              : Pick(kLaterOfPerson, random)];
    case EntityType::kFirm:
      return kFirmPerspectives[Pick(kOfFirm, random)];
    case EntityType::kDevice:
      break;
  }
  return kDevicePerspectives[Pick(kOfDevice, random)];
}

const char* NameOf(EntityType type) {
  constexpr const char* kNames[] = {"person", "firm", "device"};
  return kNames[static_cast<size_t>(type)];
}

const char* NameOf(Attribute attribute) {
  constexpr const char* kNames[] = {"tax_id", "serial",   "email", "website", "hostname",
                                    "name",   "phone",    "role",  "address", "country",
                                    "model",  "firmware", "site"};
  return kNames[static_cast<size_t>(attribute)];
}

std::span<const Attribute> ChangingAttributes() { return kChanging; }

}  // namespace unirust::workload
