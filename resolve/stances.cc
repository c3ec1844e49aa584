#include "resolve/stances.h"

#include <utility>

#include "base/bytes.h"

namespace unirust::resolve {

using store::BlockName;
using store::DisputeKey;

namespace {
constexpr size_t kProbesMax = 64;  // rows that are looked at to answer one question
}  // namespace

Stances::Stances(SortedRows& rows, DisputeKey::Kind kind, std::string_view group, Instant run)
    : rows_(rows), key_{.kind = kind, .group = std::string(group), .run = run, .stance = {}} {}

DisputeKey Stances::KeyOf(const StrongRow& row) const {
  DisputeKey out = key_;
  out.stance = {.identifier = row.identifier,
                .domain = row.domain,
                .value = store::EncodeValue(row.values[0]),
                .interval = row.interval,
                .block = {}};
  return out;
}

std::vector<std::string> Stances::KeysOf(BlockName block, const Signature& signature) const {
  std::vector<std::string> out;
  for (const StrongRow& row : signature) {
    DisputeKey key = KeyOf(row);
    key.stance.block = block;
    out.push_back(key.Encode());
  }
  return out;
}

void Stances::Add(BlockName block, const Signature& signature) {
  for (std::string& key : KeysOf(block, signature)) rows_.Put(std::move(key), "");
}

void Stances::Remove(BlockName block, const Signature& signature) {
  for (std::string& key : KeysOf(block, signature)) rows_.Delete(std::move(key));
}

// The rows of the prefix, but not those behind a value of which `visit` has seen enough.
template <typename Visit>
bool Stances::Walk(const std::string& prefix, When when, Visit visit) const {
  size_t probes = 0;
  const std::string end = PrefixEnd(prefix);
  for (std::string from = prefix; !from.empty();) {
    std::string next;
    rows_.Walk(
        from, end,
        [&](std::string_view key, std::string_view) {
          const std::optional<DisputeKey> row = DisputeKey::Decode(key);
          if (!row) {
            status_.Update(store::Damaged(store::Family::kDisputes, key));
            return false;
          }
          if (++probes > kProbesMax) return false;
          switch (visit(row->stance)) {
            case Go::kOn:
              return true;
            case Go::kToNextValue:
              next = PrefixEnd(row->ValuePrefix());
              return false;
            case Go::kNoFurther:
              return false;
          }
          return false;
        },
        when);
    from = std::move(next);
  }
  return probes <= kProbesMax;
}

std::optional<bool> Stances::IsDisputed(const StrongRow& row, When when) const {
  const DisputeKey key = KeyOf(row);
  bool disputed = false;
  const bool told = Walk(key.PlacePrefix(), when, [&](const DisputeKey::Stance& other) {
    if (other.value == key.stance.value) return Go::kToNextValue;
    disputed = Overlaps(other.interval, row.interval);
    return disputed ? Go::kNoFurther : Go::kOn;
  });
  return told ? std::optional(disputed) : std::nullopt;
}

bool Stances::MattersOnlyTo(const StrongRow& row, const std::set<BlockName>& but) const {
  const DisputeKey key = KeyOf(row);
  bool said = false;  // by another one
  Walk(key.ValuePrefix(), When::kNow, [&](const DisputeKey::Stance& other) {
    said = !but.contains(other.block) && Covers(other.interval, row.interval);
    return said ? Go::kNoFurther : Go::kOn;
  });
  if (said) return true;
  size_t witnesses = 0;  // values that others hold for all of the time
  bool clash = false;
  const bool told = Walk(key.PlacePrefix(), When::kNow, [&](const DisputeKey::Stance& other) {
    if (other.value == key.stance.value) return Go::kToNextValue;
    if (but.contains(other.block) || !Overlaps(other.interval, row.interval)) return Go::kOn;
    clash = true;
    if (!Covers(other.interval, row.interval)) return Go::kOn;
    return ++witnesses < 2 ? Go::kToNextValue : Go::kNoFurther;
  });
  return witnesses == 2 || (told && !clash);
}

Stances::Others Stances::Sharing(const StrongRow& row, BlockName block, When when) const {
  Others out;
  out.all = Walk(KeyOf(row).ValuePrefix(), when, [&](const DisputeKey::Stance& other) {
    if (other.block != block && Overlaps(other.interval, row.interval)) {
      out.blocks.push_back(other.block);
    }
    return Go::kOn;
  });
  return out;
}

}  // namespace unirust::resolve
