#include "cluster/placement.h"

#include <algorithm>

#include "base/bytes.h"

namespace unirust::cluster {
namespace {

void AppendMap(const SlotMap& map, std::string* out) {
  for (uint16_t slot = 0; slot < limits::kSlots; ++slot) {
    AppendBig16(out, static_cast<uint16_t>(map.PartOf(slot)));
  }
}

bool ReadMap(ByteReader& in, SlotMap* map) {
  for (uint16_t slot = 0; slot < limits::kSlots; ++slot) map->Assign(slot, in.Big16());
  return in.ok() && map->LastPart() < limits::kPartsMax;
}

void AppendMove(const Move& move, std::string* out) {
  AppendBig64(out, move.id);
  AppendBig16(out, static_cast<uint16_t>(move.from));
  AppendBig16(out, static_cast<uint16_t>(move.to));
  AppendString(out, store::BytesOf(move.slots));
  AppendBig8(out, static_cast<uint8_t>(move.phase));
  AppendString(out, move.done.FamilyText());
  AppendString(out, move.done.key);
  AppendVarint(out, move.rows);
  AppendVarint(out, move.bytes);
}

std::optional<Move> ReadMove(ByteReader& in) {
  Move out;
  out.id = in.Big64();
  out.from = in.Big16();
  out.to = in.Big16();
  const std::optional<store::SlotSet> slots = store::SlotSetOf(in.String());
  const uint8_t phase = in.Big8();
  const std::string_view family = in.String();
  const std::optional<store::SlotPosition> done = store::SlotPosition::Of(family, in.String());
  out.rows = in.Varint();
  out.bytes = in.Varint();
  const bool sound = in.ok() && slots && slots->any() && done && out.from != out.to &&
                     std::max(out.from, out.to) < limits::kPartsMax &&
                     phase <= static_cast<uint8_t>(Move::Phase::kSweeping);
  if (!sound) return std::nullopt;
  out.slots = *slots;
  out.done = *done;
  out.phase = static_cast<Move::Phase>(phase);
  return out;
}

}  // namespace

Placement Placement::Of(const SlotMap& map) {
  return {.map = map, .target = map, .fault = "", .move = {}};
}

std::string Placement::Encode() const {
  std::string out;
  AppendBig64(&out, version);
  AppendMap(map, &out);
  AppendMap(target, &out);
  AppendString(&out, fault);
  AppendBig8(&out, move ? 1 : 0);
  if (move) AppendMove(*move, &out);
  return out;
}

std::optional<Placement> Placement::Decode(std::string_view bytes) {
  ByteReader in(bytes);
  Placement out;
  out.version = in.Big64();
  if (!ReadMap(in, &out.map) || !ReadMap(in, &out.target)) return std::nullopt;
  out.fault = std::string(in.String());
  const uint8_t moves = in.Big8();
  if (moves == 1) {
    out.move = ReadMove(in);
    if (!out.move) return std::nullopt;
  }
  if (!in.done() || moves > 1) return std::nullopt;
  return out;
}

size_t Placement::LastPart() const {
  const size_t last = std::max(map.LastPart(), target.LastPart());
  return move ? std::max({last, move->from, move->to}) : last;
}

bool Placement::HasRows(size_t part) const {
  return map.SlotsOf(part) > 0 || (move && (move->from == part || move->to == part));
}

size_t Placement::PartOf(store::Family family, std::string_view key) const {
  const std::optional<uint16_t> slot = store::SlotOf(family, key);
  return slot ? map.PartOf(*slot) : kHome;
}

std::optional<size_t> Placement::CopyOf(store::Family family, std::string_view key) const {
  if (!move || move->phase != Move::Phase::kCopying) return std::nullopt;
  const std::optional<uint16_t> slot = store::SlotOf(family, key);
  if (!slot || !move->slots[*slot] || !move->done.IsBehind(family, key)) return std::nullopt;
  return move->to;
}

std::optional<Move> Placement::NextMove(uint64_t id) const {
  std::optional<Move> out;
  for (uint16_t slot = 0; slot < limits::kSlots; ++slot) {
    const size_t from = map.PartOf(slot);
    const size_t to = target.PartOf(slot);
    if (from == to) continue;
    if (!out) {
      out.emplace();
      out->id = id;
      out->from = from;
      out->to = to;
    }
    if (from == out->from && to == out->to) out->slots.set(slot);
  }
  return out;
}

SlotMap Placement::Coming() const {
  SlotMap out = map;
  const bool copying = move && move->phase == Move::Phase::kCopying;
  for (uint16_t slot = 0; copying && slot < limits::kSlots; ++slot) {
    if (move->slots[slot]) out.Assign(slot, move->to);
  }
  return out;
}

void Placement::Switch() {
  map = Coming();
  ++version;
  GiveUp();  // what is left is swept
}

void Placement::GiveUp() {
  move->phase = Move::Phase::kSweeping;
  move->done = {};
  move->rows = move->bytes = 0;
}

size_t Placement::SweptPart() const {
  for (uint16_t slot = 0; slot < limits::kSlots; ++slot) {
    if (move->slots[slot]) return map.PartOf(slot) == move->to ? move->from : move->to;
  }
  return move->to;
}

}  // namespace unirust::cluster
