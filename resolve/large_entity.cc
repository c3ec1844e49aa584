#include "resolve/large_entity.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/limits.h"
#include "resolve/conflicts.h"

namespace unirust::resolve {

using store::Family;
using store::HeldValueKey;
using store::HeldValueRow;
using store::StretchKey;
using store::StretchRow;
using store::Voice;

namespace {

constexpr size_t kProbesMax = 64;  // rows of a value that are looked at around a time

std::string AttributePrefix(BlockName entity, SymbolId attribute) {
  std::string out = StretchKey::Prefix(entity);
  AppendBig32(&out, attribute.value());
  return out;
}

using Stretches = std::map<Instant, StretchRow>;  // of a voice, by their starts

Stretches::const_iterator FirstEndingAt(const Stretches& stretches, Instant time) {
  const auto it = stretches.lower_bound(time);
  if (it == stretches.begin() || std::prev(it)->second.end != time) return stretches.end();
  return std::prev(it);
}

// The stretch that goes on at `time` or, if there is none, the next one.
Stretches::const_iterator FirstBehind(const Stretches& stretches, Instant time) {
  auto it = stretches.upper_bound(time);
  if (it != stretches.begin() && std::prev(it)->second.end > time) --it;
  return it;
}

// False if a stretch reaches over an end of the time: it would have to be cut, and its records counted anew.
bool LieUnder(const Stretches& stretches, const Interval& time) {
  const auto over = [&](Instant end) {
    const auto it = FirstBehind(stretches, end);
    return it != stretches.end() && it->first < end;
  };
  return !over(time.start) && !over(time.end);
}

// The stretch holds what the one before it does: they are to be one.
bool MeetsItsLike(const Stretches& stretches, Instant start) {
  const auto it = stretches.find(start);
  return it != stretches.end() && it->second.steps == 0;
}

}  // namespace

LargeEntity::LargeEntity(WorkingSet& rows, Names& names, BlockName name, SymbolId entity_type)
    : rows_(rows), names_(names), name_(name), entity_type_(entity_type) {
  for (const ConstraintRule& rule : rows.rules().constraints()) {
    if (rule.within_perspective && rule.types.Has(entity_type)) {
      by_perspective_.insert(rule.attribute);
    }
  }
}

// --- one record --------------------------------------------------------------------------------------

void LargeEntity::Change(RecordId id, const RecordRow& record, bool added) {
  const FirstRecord self{id, record.perspective, record.uid};
  const std::vector<store::StoredDescriptor>& all = record.descriptors;
  for (size_t first = 0, last = 0; first < all.size(); first = last) {
    const SymbolId attribute = all[first].attribute;
    std::vector<Held> held;
    for (; last < all.size() && all[last].attribute == attribute; ++last) {
      if (rows_.rules().Counts(attribute, all[last].value)) {
        held.push_back({all[last].value, all[last].interval});
      }
    }
    if (held.empty() || rows_.rules().Attribute(attribute).multi_valued) continue;
    for (const Voice& voice : VoicesOf(attribute, record.perspective)) {
      if (stale_.contains(attribute)) break;
      const bool local = added ? AddTo(voice, held, self) : RemoveFrom(voice, held, self);
      if (!local) stale_.insert(attribute);
    }
  }
}

// The starts of the stretches in which a record holds one of these.
std::set<Instant> LargeEntity::StretchesMet(const VoiceState& state,
                                            const std::vector<Held>& held) {
  std::set<Instant> out;
  for (const Held& one : held) {
    for (auto it = FirstBehind(state.now, one.interval.start);
         it != state.now.end() && it->first < one.interval.end; ++it) {
      out.insert(it->first);
    }
  }
  return out;
}

bool LargeEntity::AddTo(const Voice& voice, const std::vector<Held>& held,
                        const FirstRecord& record) {
  VoiceState& state = StateOf(voice);
  for (const Held& one : held) {
    if (Count(voice, one, 1) > 1) continue;
    const Coverage coverage = CoverageOf(voice, one);
    if (coverage.part == Coverage::Part::kAll) continue;
    if (coverage.part == Coverage::Part::kSome) return false;
    if (!StepUp(state, one.interval, coverage)) return false;
  }
  for (const Instant start : StretchesMet(state, held)) {
    ++state.now.at(start).records;
    AddToList(voice, state, start, record);
  }
  return true;
}

bool LargeEntity::RemoveFrom(const Voice& voice, const std::vector<Held>& held,
                             const FirstRecord& record) {
  VoiceState& state = StateOf(voice);
  for (const Instant start : StretchesMet(state, held)) {
    --state.now.at(start).records;
    if (!RemoveFromList(voice, state, start, record)) return false;
  }
  for (const Held& one : held) {
    if (Count(voice, one, -1) > 0) continue;
    const Coverage coverage = CoverageOf(voice, one);
    if (coverage.part == Coverage::Part::kAll) continue;
    if (coverage.part == Coverage::Part::kSome) return false;
    if (!StepDown(voice, state, one.interval, coverage)) return false;
  }
  return true;
}

// --- stretches ---------------------------------------------------------------------------------------

// One value more is held in all of the time, in which it was not.
bool LargeEntity::StepUp(VoiceState& state, const Interval& time, const Coverage& coverage) {
  if (!LieUnder(state.now, time)) return false;
  // A new stretch from `at`, where nothing was held, to the next one; it has nothing yet.
  const auto open = [&](Instant at, uint64_t steps) {
    const auto next = state.now.lower_bound(at);
    StretchRow row;
    row.end = next == state.now.end() ? time.end : std::min(time.end, next->first);
    row.steps = steps;
    return state.now.emplace_hint(next, at, row);
  };
  auto it = state.now.find(time.start);
  if (it == state.now.end()) {
    const auto left = FirstEndingAt(state.now, time.start);
    it = open(time.start, left == state.now.end() ? 0 : left->second.values);
  }
  coverage.until ? --it->second.steps : ++it->second.steps;
  for (Instant at = time.start; at < time.end; at = it->second.end) {
    it = state.now.find(at);
    // Where nothing was held, all that is held on the left ends, but for this value.
    if (it == state.now.end()) it = open(at, FirstEndingAt(state.now, at)->second.values - 1);
    ++it->second.values;
  }
  const auto behind = state.now.find(time.end);
  if (behind != state.now.end()) coverage.from ? --behind->second.steps : ++behind->second.steps;
  return !MeetsItsLike(state.now, time.start) && !MeetsItsLike(state.now, time.end);
}

// One value less is held in all of the time.
bool LargeEntity::StepDown(const Voice& voice, VoiceState& state, const Interval& time,
                           const Coverage& coverage) {
  if (!LieUnder(state.now, time)) return false;
  for (Instant at = time.start; at < time.end;) {
    const auto it = state.now.find(at);
    const bool last = it != state.now.end() && it->second.values == 1;
    if (it == state.now.end() || (last && it->second.records > 0)) {
      Damaged(Family::kStretches, KeyOfStretch(voice, at));
      return true;
    }
    if (at == time.start) coverage.until ? ++it->second.steps : --it->second.steps;
    --it->second.values;
    at = it->second.end;
    if (!last) continue;
    state.listed[it->first].clear();
    state.now.erase(it);
  }
  const auto behind = state.now.find(time.end);
  if (behind != state.now.end()) coverage.from ? ++behind->second.steps : --behind->second.steps;
  return !MeetsItsLike(state.now, time.start) && !MeetsItsLike(state.now, time.end);
}

// --- who holds a value -------------------------------------------------------------------------------

// `more` records hold it from now on; returns how many.
uint64_t LargeEntity::Count(const Voice& voice, const Held& held, int64_t more) {
  const std::string encoded = store::EncodeValue(held.value);
  const std::string key = HeldValueKey{voice, encoded, held.interval}.Encode();
  HeldValueRow row;
  if (const auto bytes = rows_.held_values().Now(key)) {
    if (!HeldValueRow::Decode(*bytes, &row)) Damaged(Family::kHeldValues, key);
  } else if (!store::AreVerbatim(encoded)) {
    row.value = held.value;
  }
  if (more < 0 && row.records == 0) Damaged(Family::kHeldValues, key);
  row.records += static_cast<uint64_t>(more);
  if (row.records == 0) {
    rows_.held_values().Delete(key);
  } else {
    rows_.held_values().Put(key, row.Encode());
  }
  return row.records;
}

// By those who hold it for other times than this one.
LargeEntity::Coverage LargeEntity::CoverageOf(const Voice& voice, const Held& held) {
  const Interval& time = held.interval;
  const std::string prefix = HeldValueKey::Prefix(voice, store::EncodeValue(held.value));
  std::string behind = prefix;
  AppendBigSigned64(&behind, time.start + 1);
  Instant reach = kMinTime;
  Coverage out;
  size_t probes = 0;
  const auto interval_of = [&](std::string_view key) {
    ByteReader in(key.substr(prefix.size()));
    const Instant start = in.BigSigned64();
    return Interval{start, in.BigSigned64()};
  };
  rows_.held_values().WalkBack(prefix, behind, [&](std::string_view key, std::string_view) {
    const Interval other = interval_of(key);
    if (other == time) return true;
    reach = std::max(reach, other.end);
    out.until = out.until || other.end == time.start;
    return ++probes < kProbesMax && reach < time.end;
  });
  const bool all_seen = probes < kProbesMax;
  const bool begun = reach > time.start;
  const std::string end = PrefixEnd(prefix);
  rows_.held_values().Walk(behind, end, [&](std::string_view key, std::string_view) {
    const Interval other = interval_of(key);
    if (begun && other.start <= reach) {
      reach = std::max(reach, other.end);
      return ++probes < 2 * kProbesMax && reach < time.end;
    }
    if (other.start < time.end) out.part = Coverage::Part::kSome;
    out.from = other.start == time.end;
    return false;
  });
  if (begun) out.part = reach >= time.end ? Coverage::Part::kAll : Coverage::Part::kSome;
  if (!begun && !all_seen) out.part = Coverage::Part::kSome;  // as far as it was looked at
  return out;
}

// --- the first records -------------------------------------------------------------------------------

std::vector<FirstRecord>& LargeEntity::ListOf(const Voice& voice, VoiceState& state,
                                              Instant start) {
  const auto [it, inserted] = state.listed.try_emplace(start);
  if (!inserted) return it->second;
  const std::string key = FirstRecordsKey(voice, start);
  store::FirstRecordsRow row;
  const auto bytes = rows_.stretches().Now(key);
  const bool sound = !bytes || store::FirstRecordsRow::Decode(*bytes, &row);
  if (!sound || row.records.size() != state.now.at(start).listed) {
    Damaged(Family::kStretches, key);
  }
  it->second = std::move(row.records);
  return it->second;
}

// The stretch counts the record already.
void LargeEntity::AddToList(const Voice& voice, VoiceState& state, Instant start,
                            const FirstRecord& record) {
  StretchRow& stretch = state.now.at(start);
  const bool all_listed = stretch.listed + 1 == stretch.records;
  if (!all_listed && !names_.ComesFirst(record, stretch.last_listed)) return;
  std::vector<FirstRecord>& list = ListOf(voice, state, start);
  const auto place = std::lower_bound(
      list.begin(), list.end(), record,
      [&](const FirstRecord& a, const FirstRecord& b) { return names_.ComesFirst(a, b); });
  list.insert(place, record);
  if (list.size() > kListedMax) list.pop_back();
  SetListed(list, &stretch);
}

// The stretch does not count the record any more. False if too few are listed then.
bool LargeEntity::RemoveFromList(const Voice& voice, VoiceState& state, Instant start,
                                 const FirstRecord& record) {
  StretchRow& stretch = state.now.at(start);
  if (names_.ComesFirst(stretch.last_listed, record)) return true;
  std::vector<FirstRecord>& list = ListOf(voice, state, start);
  if (std::erase(list, record) != 1) Damaged(Family::kStretches, FirstRecordsKey(voice, start));
  if (list.size() < std::min<uint64_t>(stretch.records, limits::kConflictNamesMax)) return false;
  SetListed(list, &stretch);
  return true;
}

// --- from the records --------------------------------------------------------------------------------

std::vector<Voice> LargeEntity::VoicesOf(SymbolId attribute, SymbolId perspective) const {
  std::vector<Voice> out = {{name_, attribute, SymbolId()}};
  if (by_perspective_.contains(attribute)) out.push_back({name_, attribute, perspective});
  return out;
}

LargeEntity::VoiceState& LargeEntity::StateOf(const Voice& voice) {
  const auto [it, inserted] = voices_.try_emplace(voice);
  if (!inserted) return it->second;
  std::map<Instant, StretchRow>& before = it->second.before;
  const std::string prefix = StretchKey::Prefix(voice, StretchKey::Part::kStretch);
  const std::string end = PrefixEnd(prefix);
  rows_.stretches().Walk(prefix, end, [&](std::string_view key, std::string_view value) {
    const auto decoded = StretchKey::Decode(key);
    StretchRow row;
    const bool sound = decoded && StretchRow::Decode(value, &row) && decoded->start < row.end &&
                       (before.empty() || before.rbegin()->second.end <= decoded->start);
    if (sound) {
      before.emplace_hint(before.end(), decoded->start, std::move(row));
    } else {
      Damaged(Family::kStretches, key);
    }
    return true;
  });
  it->second.now = before;
  return it->second;
}

void LargeEntity::MakeAnew() { everything_ = true; }

void LargeEntity::Clear() {
  const std::string prefix = StretchKey::Prefix(name_);
  EmptyVoices(prefix);
  ReplaceHeld(prefix, {});
}

// The voices under the prefix have no stretches from now on.
void LargeEntity::EmptyVoices(const std::string& prefix) {
  std::set<Voice> found;
  for (std::string from = prefix;;) {
    std::optional<Voice> next;
    rows_.stretches().Walk(from, PrefixEnd(prefix), [&](std::string_view key, std::string_view) {
      if (const auto decoded = StretchKey::Decode(key)) {
        next = decoded->voice;
      } else {
        Damaged(Family::kStretches, key);
      }
      return false;
    });
    if (!next) break;
    found.insert(*next);
    std::string whole;
    next->AppendTo(&whole);
    from = PrefixEnd(whole);
  }
  for (const Voice& voice : found) StateOf(voice);
  for (auto& [voice, state] : voices_) {
    std::string whole;
    voice.AppendTo(&whole);
    if (!whole.starts_with(prefix)) continue;
    for (const auto& [start, stretch] : state.now) state.listed[start].clear();
    state.now.clear();
  }
}

// From now on the rows of held_values under the prefix are these.
void LargeEntity::ReplaceHeld(const std::string& prefix, const HeldRows& held) {
  const auto first = held.lower_bound(prefix);
  auto last = first;
  while (last != held.end() && last->first.starts_with(prefix)) ++last;
  rows_.held_values().Replace(prefix, {first, last});
}

// The attributes that could not be followed record by record, or all.
void LargeEntity::MakeStaleAnew() {
  if (stale_.empty() && !everything_) return;
  std::vector<std::string> prefixes = {StretchKey::Prefix(name_)};
  if (!everything_) prefixes.clear();
  for (const SymbolId attribute : stale_) prefixes.push_back(AttributePrefix(name_, attribute));
  for (const std::string& prefix : prefixes) EmptyVoices(prefix);
  HeldRows held;
  MakeVoices(&held);
  for (const std::string& prefix : prefixes) ReplaceHeld(prefix, held);
}

void LargeEntity::MakeVoices(HeldRows* held) {
  const std::vector<RecordId> ids = rows_.RecordsNow(name_);
  rows_.PreloadRecords(ids);
  std::vector<FirstRecord> records;
  for (const RecordId id : ids) records.push_back(rows_.FirstNow(store::NameOf(id)));
  std::sort(records.begin(), records.end(),
            [&](const FirstRecord& a, const FirstRecord& b) { return names_.ComesFirst(a, b); });
  std::map<Voice, Holdings> holdings;
  for (size_t place = 0; place < records.size(); ++place) {
    for (const store::StoredDescriptor& d : rows_.Record(records[place].id).row.now().descriptors) {
      if (!everything_ && !stale_.contains(d.attribute)) continue;
      if (rows_.rules().Attribute(d.attribute).multi_valued) continue;
      if (!rows_.rules().Counts(d.attribute, d.value)) continue;
      for (const Voice& voice : VoicesOf(d.attribute, records[place].perspective)) {
        holdings[voice].push_back({d.interval, d.value, place});
      }
    }
  }
  for (const auto& [voice, all] : holdings) MakeVoice(voice, all, records, held);
}

void LargeEntity::MakeVoice(const Voice& voice, const Holdings& all,
                            const std::vector<FirstRecord>& records, HeldRows* held) {
  std::map<std::pair<std::string_view, Interval>, uint64_t> holders;
  for (const auto& holding : all) ++holders[{holding.key, holding.interval}];
  for (const auto& [value_and_time, count] : holders) {
    const auto& [value, time] = value_and_time;
    const std::string encoded = store::EncodeValue(value);
    HeldValueRow row{.records = count, .value = ""};
    if (!store::AreVerbatim(encoded)) row.value = value;
    held->emplace(HeldValueKey{voice, encoded, time}.Encode(), row.Encode());
  }
  VoiceState& state = StateOf(voice);
  const SweepRules rules{.keys_min = 1, .listed_max = kListedMax};
  const std::vector<std::string_view> nothing;
  const auto stretches = StretchSweep<std::string_view>(records.size(), rules).Of(all);
  for (size_t i = 0; i < stretches.size(); ++i) {
    const auto& stretch = stretches[i];
    const bool joins = i > 0 && stretches[i - 1].interval.end == stretch.interval.start;
    const std::vector<std::string_view>& left = joins ? stretches[i - 1].keys : nothing;
    std::vector<std::string_view> steps;
    std::set_symmetric_difference(left.begin(), left.end(), stretch.keys.begin(),
                                  stretch.keys.end(), std::back_inserter(steps));
    StretchRow row;
    row.end = stretch.interval.end;
    row.values = stretch.keys.size();
    row.steps = steps.size();
    row.records = stretch.records.count;
    std::vector<FirstRecord>& list = state.listed[stretch.interval.start];
    list.clear();
    for (const size_t place : stretch.records.first) list.push_back(records[place]);
    SetListed(list, &row);
    state.now[stretch.interval.start] = std::move(row);
  }
}

// --- rows --------------------------------------------------------------------------------------------

void LargeEntity::SetListed(const std::vector<FirstRecord>& list, StretchRow* stretch) {
  stretch->listed = static_cast<uint32_t>(list.size());
  stretch->first = list.empty() ? FirstRecord() : list.front();
  stretch->last_listed = list.empty() ? FirstRecord() : list.back();
}

void LargeEntity::Finish(const Tell& tell) {
  MakeStaleAnew();
  for (const auto& [voice, state] : voices_) {
    std::set<Instant> starts;
    for (const auto* stretches : {&state.before, &state.now}) {
      for (const auto& [start, stretch] : *stretches) starts.insert(start);
    }
    for (const Instant start : starts) {
      const auto before = state.before.find(start);
      const auto now = state.now.find(start);
      const StretchRow* old = before == state.before.end() ? nullptr : &before->second;
      const StretchRow* current = now == state.now.end() ? nullptr : &now->second;
      if (old != nullptr && current != nullptr && *old == *current) continue;
      FinishStretch(voice, start, old, current, tell);
    }
    for (const auto& [start, list] : state.listed) {
      std::string key = FirstRecordsKey(voice, start);
      const std::optional<std::string> stored = rows_.stretches().Now(key);
      if (list.empty()) {
        if (stored) rows_.stretches().Delete(std::move(key));
        continue;
      }
      std::string row = store::FirstRecordsRow{list}.Encode();
      if (stored != row) rows_.stretches().Put(std::move(key), std::move(row));
    }
  }
}

void LargeEntity::FinishStretch(const Voice& voice, Instant start, const StretchRow* before,
                                const StretchRow* now, const Tell& tell) {
  StretchEntries gone;
  StretchEntries come;
  if (before != nullptr) {
    gone = EntriesOf(voice, entity_type_, start, *before, rows_.rules(), names_);
  }
  std::string key = KeyOfStretch(voice, start);
  if (now == nullptr) {
    rows_.stretches().Delete(std::move(key));
  } else {
    come = EntriesOf(voice, entity_type_, start, *now, rows_.rules(), names_);
    rows_.stretches().Put(std::move(key), now->Encode());
  }
  tell(voice, gone, come);
}

void LargeEntity::Damaged(Family family, std::string_view key) {
  rows_.Fail(store::Damaged(family, key));
}

}  // namespace unirust::resolve
