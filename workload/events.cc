#include "workload/events.h"

#include <algorithm>
#include <array>

#include "workload/digits.h"
#include "workload/draws.h"
#include "workload/ontologies.h"

namespace unirust::workload {
namespace {

constexpr uint64_t kSeedsMax = 10'000;          // of a type
constexpr uint64_t kTen = 10;                   // ordinals of which one repeats a seed
constexpr Instant kFirstStart = 1'704'067'200;  // 2024-01-01 00:00:00 UTC
constexpr uint64_t kMinute = 60;
constexpr uint64_t kDay = 86'400;
constexpr uint64_t kDays = 30;

// Each is drawn from bits of its own, whatever is drawn before.
uint64_t Between(uint64_t low, uint64_t high, uint64_t* random) {
  const uint64_t drawn = low + Below(*random, high - low);
  *random = Mix(*random);
  return drawn;
}

const char* OneOf(Words words, uint64_t* random) { return words[Between(0, words.size(), random)]; }

void AppendAddress(uint64_t first, uint64_t random, std::string* out) {
  AppendNumber(first, out);
  for (int i = 0; i < 2; ++i) {
    *out += '.';
    AppendNumber(Between(0, 256, &random), out);
  }
  *out += '.';
  AppendNumber(Between(1, 255, &random), out);
}

void AppendHash(uint64_t random, std::string* out) {
  for (int i = 0; i < 4; ++i, random = Mix(random)) AppendHex(random, 16, HexCase::kLower, out);
}

void AppendMac(uint64_t random, std::string* out) {
  for (uint32_t i = 0; i < 6; ++i) {
    if (i > 0) *out += ':';
    AppendHex(random >> (8 * i), 2, HexCase::kUpper, out);
  }
}

void AppendCve(uint64_t random, std::string* out) {
  *out += "CVE-";
  AppendNumber(Between(2020, 2025, &random), out);
  *out += '-';
  AppendNumber(Between(1000, 99'999, &random), out);
}

void AppendPath(uint64_t random, std::string* out) {
  *out += OneOf(PathStems(), &random);
  *out += "file";
  AppendDigits(Between(1, 999'999, &random), 6, out);
  *out += OneOf(PathEndings(), &random);
}

}  // namespace

Events::Events(const Options& options)
    : random_(options.seed), order_(options.records, kEventsPerBlock, random_) {}

const char* Events::ontology() const { return EventsOntology(); }

Events::Number Events::NumberAt(uint64_t number) {
  const auto turn = static_cast<uint32_t>(number % kEventsPerBlock);
  const auto* type = &EventTypes().back();
  while (type->first_turn > turn) --type;
  return {number, type, number / kEventsPerBlock * type->share + turn - type->first_turn};
}

Events::Number Events::NumberOf(const EventType& type, uint64_t ordinal) {
  const uint64_t number =
      ordinal / type.share * kEventsPerBlock + type.first_turn + ordinal % type.share;
  return {number, &type, ordinal};
}

uint64_t Events::SeedTurn(const EventType& type, uint64_t ten) const {
  const uint64_t random = random_(draws::kSeedTurn, ten * kEventsPerBlock + type.first_turn);
  return ten == 0 ? 1 + Below(random, kTen - 1) : Below(random, kTen);  // the first is a seed
}

bool Events::Repeats(const Number& event) const {
  return event.ordinal % kTen == SeedTurn(*event.type, event.ordinal / kTen);
}

uint64_t Events::FreshBefore(const EventType& type, uint64_t ordinal) const {
  const uint64_t ten = ordinal / kTen;
  return ordinal - ten - (ordinal % kTen > SeedTurn(type, ten) ? 1 : 0);
}

Events::Number Events::Seed(const EventType& type, uint64_t seeds, uint64_t random) const {
  const uint64_t fresh = Below(random, std::min(seeds, kSeedsMax));
  const uint64_t ten = fresh / (kTen - 1);
  const uint64_t rest = fresh % (kTen - 1);
  return NumberOf(type, ten * kTen + rest + (rest >= SeedTurn(type, ten) ? 1 : 0));
}

uint64_t Events::Mentioned(size_t type, uint64_t number, uint64_t random) const {
  const EventType& of = EventTypes()[type];
  const uint64_t seeds = FreshBefore(of, number / kEventsPerBlock * of.share);
  return Seed(of, std::max<uint64_t>(seeds, 1), random).number;
}

Interval Events::IntervalOf(uint64_t number) const {
  uint64_t random = random_(draws::kEventTime, number);
  const auto start = kFirstStart + static_cast<Instant>(Between(0, kDays * kDay, &random));
  const auto length = static_cast<Instant>(Between(kMinute, kDay + 1, &random));
  return {.start = start, .end = start + length};
}

void Events::AppendValue(const EventType& type, size_t attribute, uint64_t number,
                         std::string* out) const {
  const EventAttribute& of = type.attributes[attribute];
  uint64_t random = random_(draws::kEventValue + attribute, number);
  *out += of.prefix;
  switch (of.form) {
    case Form::kWord:
      *out += OneOf(of.words, &random);
      return;
    case Form::kNumber:
      return AppendDigits(Between(of.low, of.high, &random), of.width, out);
    case Form::kHex:
      return AppendHex(random, 16, HexCase::kUpper, out);
    case Form::kShortHex:
      return AppendHex(random, 8, HexCase::kUpper, out);
    case Form::kHash:
      return AppendHash(random, out);
    case Form::kSid:
      *out += "S-1-5-21-";
      AppendNumber(random >> 32U, out);
      *out += '-';
      return AppendNumber(number + 1, out);
    case Form::kUpn:
      *out += "user";
      AppendNumber(number + 1, out);
      *out += "@corp.example";
      return;
    case Form::kPrivateAddress:
      return AppendAddress(10, random, out);
    case Form::kPublicAddress: {
      const uint64_t first = Between(1, 224, &random);
      return AppendAddress(first, random, out);
    }
    case Form::kMac:
      return AppendMac(random, out);
    case Form::kCve:
      return AppendCve(random, out);
    case Form::kScore: {
      const uint64_t tenths = Between(0, 100, &random);
      AppendNumber(tenths / 10, out);
      *out += '.';
      return AppendNumber(tenths % 10, out);
    }
    case Form::kPath:
      return AppendPath(random, out);
    case Form::kStart:
      return AppendNumber(static_cast<uint64_t>(IntervalOf(number).start), out);
    case Form::kUser:
      return AppendValue(EventTypes()[kUserType], 0, Mentioned(kUserType, number, random), out);
    case Form::kAsset:
      return AppendValue(EventTypes()[kAssetType], 0, Mentioned(kAssetType, number, random), out);
  }
}

void Events::Make(uint64_t position, Write* write) const {
  const Number event = NumberAt(order_.At(position));
  const EventType& type = *event.type;
  const uint64_t fresh = FreshBefore(type, event.ordinal);
  const bool repeats = Repeats(event);
  const Number seed = repeats ? Seed(type, fresh, random_(draws::kSeed, event.number)) : event;
  write->identity.entity_type = type.name;
  uint64_t perspective = random_(draws::kEventPerspective, event.number);
  write->identity.perspective = OneOf(type.perspectives, &perspective);
  write->identity.uid.clear();
  AppendDigits(seed.number + 1, 12, &write->identity.uid);
  write->version.reset();
  if (repeats || fresh < kSeedsMax) write->version = static_cast<int64_t>(event.number);
  write->retract = false;
  write->descriptors.resize(type.attributes.size());
  const Interval interval = IntervalOf(event.number);
  for (size_t i = 0; i < type.attributes.size(); ++i) {
    Descriptor& descriptor = write->descriptors[i];
    descriptor.attribute = type.attributes[i].name;
    descriptor.value.clear();
    AppendValue(type, i, type.attributes[i].of_seed ? seed.number : event.number,
                &descriptor.value);
    descriptor.interval = interval;
  }
}

}  // namespace unirust::workload
