// The conflicts inside an entity of very many records, kept so that one record more or less costs what that record says
// and not what the entity says (docs/resolution.md, 7).
//
// For each voice (an attribute, as all records of the entity have it or those of one perspective) there are rows of two
// families: how many hold which value for exactly which time (held_values), and the maximal times in which the same
// values are held (stretches). A stretch of two values or more has entries in family conflicts, which refer to it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "resolve/names.h"
#include "resolve/stretch_entries.h"
#include "resolve/stretch_sweep.h"
#include "resolve/working_set.h"
#include "store/keys.h"

namespace unirust::resolve {

class LargeEntity {
 public:
  // The entity's rows as the batch found them; all must outlive this.
  LargeEntity(WorkingSet& rows, Names& names, BlockName name, SymbolId entity_type);

  // A record that is, or was, one of the entity's, with what it says or said there.
  void Add(RecordId id, const RecordRow& record) { Change(id, record, true); }
  void Remove(RecordId id, const RecordRow& record) { Change(id, record, false); }

  // Everything from the records that it has now, as Finish finds them. Cost: reading them.
  void MakeAnew();
  // The entity is none any more, or not large.
  void Clear();

  // Brings the rows up to date, and tells the entries of each stretch that changed: those of before, and those of now.
  using Tell =
      std::function<void(const store::Voice&, const StretchEntries&, const StretchEntries&)>;
  void Finish(const Tell& tell);

 private:
  using StretchRow = store::StretchRow;
  using Voice = store::Voice;
  using Holdings = std::vector<Holding<std::string_view>>;
  using HeldRows = std::map<std::string, std::string>;  // of family held_values
  struct Held {
    std::string_view value;
    Interval interval;
  };
  // The stretches of one voice, by their starts.
  struct VoiceState {
    std::map<Instant, StretchRow> before;
    std::map<Instant, StretchRow> now;
    std::map<Instant, std::vector<FirstRecord>> listed;  // those that may have changed; empty: no row
  };
  // How much of a time is covered by those who hold one value.
  struct Coverage {
    enum class Part { kNone, kSome, kAll } part = Part::kNone;
    bool until = false;  // for kNone: it is held until the time begins
    bool from = false;   // for kNone: and from its end on
  };

  void Change(RecordId id, const RecordRow& record, bool added);
  static std::set<Instant> StretchesMet(const VoiceState& state, const std::vector<Held>& held);
  // False where more changes than what the record says: the attribute is then made anew. The same of StepUp, StepDown
  // and RemoveFromList.
  bool AddTo(const Voice& voice, const std::vector<Held>& held, const FirstRecord& record);
  bool RemoveFrom(const Voice& voice, const std::vector<Held>& held, const FirstRecord& record);
  bool StepUp(VoiceState& state, const Interval& time, const Coverage& coverage);
  bool StepDown(const Voice& voice, VoiceState& state, const Interval& time,
                const Coverage& coverage);

  uint64_t Count(const Voice& voice, const Held& held, int64_t more);
  Coverage CoverageOf(const Voice& voice, const Held& held);

  std::vector<FirstRecord>& ListOf(const Voice& voice, VoiceState& state, Instant start);
  void AddToList(const Voice& voice, VoiceState& state, Instant start, const FirstRecord& record);
  bool RemoveFromList(const Voice& voice, VoiceState& state, Instant start,
                      const FirstRecord& record);
  static void SetListed(const std::vector<FirstRecord>& list, StretchRow* stretch);

  std::vector<Voice> VoicesOf(SymbolId attribute, SymbolId perspective) const;
  VoiceState& StateOf(const Voice& voice);
  void EmptyVoices(const std::string& prefix);
  void ReplaceHeld(const std::string& prefix, const HeldRows& held);
  void MakeStaleAnew();
  void MakeVoices(HeldRows* held);
  void MakeVoice(const Voice& voice, const Holdings& all, const std::vector<FirstRecord>& records,
                 HeldRows* held);
  void FinishStretch(const Voice& voice, Instant start, const StretchRow* before,
                     const StretchRow* now, const Tell& tell);
  void Damaged(store::Family family, std::string_view key);

  WorkingSet& rows_;
  Names& names_;
  const BlockName name_;
  const SymbolId entity_type_;
  std::set<SymbolId> by_perspective_;  // attributes that a constraint is on within each perspective
  std::map<Voice, VoiceState> voices_;
  std::set<SymbolId> stale_;  // attributes to be made anew
  bool everything_ = false;   // is to be
};

}  // namespace unirust::resolve
