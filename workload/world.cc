#include "workload/world.h"

#include <bit>

#include "base/limits.h"
#include "workload/digits.h"
#include "workload/words.h"

namespace unirust::workload {
namespace {

// Numbers of ten digits, handed out in an order that looks random: a bijection of [0, 10^10).
constexpr uint64_t kTenDigits = 10'000'000'000;
constexpr uint64_t kStride = 777'767'777;  // has no divisor in common with 10^10
static_assert(limits::kWorkloadRecordsMax <= kTenDigits);

uint64_t Scatter(uint64_t number, uint64_t offset) {
  return (number * kStride + offset) % kTenDigits;
}

void AppendTenDigits(uint64_t number, std::string* out) { AppendDigits(number, 10, out); }

void AppendLower(const char* ascii, std::string* out) {
  for (; *ascii != '\0'; ++ascii) {
    out->push_back(*ascii >= 'A' && *ascii <= 'Z' ? static_cast<char>(*ascii - 'A' + 'a') : *ascii);
  }
}

// A day between the first of January of `first_year` and the 28th of December, `years` later.
Instant Day(uint64_t random, uint64_t first_year, uint64_t years) {
  const uint64_t day = Below(random, years * 12 * 28);
  return static_cast<Instant>((first_year + day / (12 * 28)) * 10000 + (day / 28 % 12 + 1) * 100 +
                              day % 28 + 1);
}

}  // namespace

template <size_t kSize>
const char* World::Word(const std::array<const char*, kSize>& words, uint64_t purpose,
                        uint64_t entity) const {
  static_assert(std::has_single_bit(kSize + 1), "every rank is a word");
  return words[Skewed(random_(purpose, entity), std::bit_width(kSize))];
}

World::World(Random random)
    : random_(random),
      uids_(random(draws::kUids, 0) % kTenDigits),
      tax_ids_(random(draws::kTaxIds, 0) % kTenDigits),
      serials_(random(draws::kSerials, 0) % kTenDigits),
      phones_(random(draws::kPhones, 0) % kTenDigits) {}

void World::AppendUid(uint64_t record, std::string* out) const {
  AppendNumber(Scatter(record, uids_), out);
}

bool World::Changes(uint64_t entity, Attribute attribute) const {
  const uint32_t one_in = ChangesOneIn(attribute);
  const uint64_t purpose = draws::kChange + static_cast<uint64_t>(attribute);
  return one_in != 0 && Below(random_(purpose, entity), one_in) == 0;
}

Instant World::Since(uint64_t record) const {
  return Day(random_(draws::kSince, record), 2000, 18);
}

Instant World::ChangeTime(uint64_t entity, Attribute attribute) const {
  const uint64_t purpose = draws::kChangeTime + static_cast<uint64_t>(attribute);
  return Day(random_(purpose, entity), 2018, 5);
}

Instant World::End(uint64_t entity, Attribute attribute) const {
  if (attribute != Attribute::kRole) return kMaxTime;
  const uint64_t random = random_(draws::kRoleEnd, entity);
  return random % 4 == 0 ? Day(random, 2023, 3) : kMaxTime;
}

void World::AppendValue(EntityType type, uint64_t entity, Attribute attribute, bool after,
                        std::string* out) const {
  switch (attribute) {
    case Attribute::kTaxId:
      *out += type == EntityType::kPerson ? "P" : "F";
      return AppendTenDigits(Scatter(entity, tax_ids_), out);
    case Attribute::kSerial:
      *out += "SN";
      return AppendTenDigits(Scatter(entity, serials_), out);
    case Attribute::kEmail:
      return AppendEmail(entity, out);
    case Attribute::kWebsite:
      *out += "www.";
      AppendSurname(SurnameRank(entity, false), Case::kLower, out);
      *out += '-';
      AppendNumber(entity, out);
      *out += ".example";
      return;
    case Attribute::kHostname:
      AppendLower(Word(kTrades, draws::kTrade, entity), out);
      *out += '-';
      AppendNumber(entity, out);
      *out += ".net.example";
      return;
    case Attribute::kName:
      return AppendName(type, entity, after, out);
    case Attribute::kPhone:
      *out += "+44 ";
      return AppendTenDigits(Scatter(entity, phones_), out);
    case Attribute::kRole:
      return AppendRole(entity, after, out);
    case Attribute::kAddress:
      return AppendAddress(entity, after, out);
    case Attribute::kCountry:
      *out += Word(kCountries, draws::kCountry, entity);
      return;
    case Attribute::kModel:
      *out += Word(kModels, draws::kModel, entity);
      return;
    case Attribute::kFirmware:
      AppendNumber(1 + Skewed(random_(draws::kFirmware, entity), 3) + (after ? 1 : 0), out);
      *out += ".0";
      return;
    case Attribute::kSite:
      *out += Word(kCities, draws::kCity, entity);
      *out += after ? " 2" : " 1";
      return;
  }
}

bool World::IsAdmin(uint64_t entity, bool after) const {
  const auto drawn = [&](uint64_t purpose) { return random_(purpose, entity) % 63 < 8; };
  const bool before = drawn(draws::kRole);
  return after ? !before && drawn(draws::kNewRole) : before;
}

uint64_t World::SurnameRank(uint64_t entity, bool after) const {
  const uint64_t before = Skewed(random_(draws::kSurname, entity), 10);
  if (!after) return before;
  const uint64_t rank = Skewed(random_(draws::kNewSurname, entity), 10);
  return rank == before ? rank + 1 : rank;
}

void World::AppendSurname(uint64_t rank, Case letters, std::string* out) const {
  const char* stem = kSurnames[rank % kSurnames.size()];
  if (letters == Case::kLower) {
    AppendLower(stem, out);
  } else {
    *out += stem;
  }
  *out += kSurnameEndings[rank / kSurnames.size()];
}

void World::AppendName(EntityType type, uint64_t entity, bool after, std::string* out) const {
  if (type == EntityType::kPerson) {
    *out += Word(kFirstNames, draws::kFirstName, entity);
    *out += ' ';
    return AppendSurname(SurnameRank(entity, after), Case::kAsIs, out);
  }
  AppendSurname(SurnameRank(entity, false), Case::kAsIs, out);
  *out += ' ';
  *out += Word(kTrades, draws::kTrade, entity);
  *out += after ? " Group" : " Ltd";
}

void World::AppendEmail(uint64_t entity, std::string* out) const {
  AppendLower(Word(kFirstNames, draws::kFirstName, entity), out);
  *out += '.';
  AppendSurname(SurnameRank(entity, false), Case::kLower, out);
  *out += '.';
  AppendNumber(entity, out);
  *out += '@';
  *out += Word(kMailDomains, draws::kDomain, entity);
}

void World::AppendRole(uint64_t entity, bool after, std::string* out) const {
  if (IsAdmin(entity, after)) {
    *out += "admin";
    return;
  }
  const uint64_t before = Skewed(random_(draws::kRole, entity), 4);
  const uint64_t rank = Skewed(random_(draws::kNewRole, entity), 4);
  const uint64_t other = rank == before ? (rank + 1) % kRoles.size() : rank;
  *out += kRoles[after ? other : before];
}

// House numbers are odd before a change and even after it.
void World::AppendAddress(uint64_t entity, bool after, std::string* out) const {
  AppendNumber(1 + 2 * Skewed(random_(draws::kHouse, entity), 7) + (after ? 1 : 0), out);
  *out += ' ';
  *out += Word(kStreets, draws::kStreet, entity);
  *out += ", ";
  *out += Word(kCities, draws::kCity, entity);
}

}  // namespace unirust::workload
