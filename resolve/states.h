// What a batch knows of a record, a block or a group: its rows before the batch and now, and marks of the passes that
// work on it. A WorkingSet owns them; pointers to them stay valid for its life.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "resolve/piece_set.h"
#include "resolve/row_versions.h"
#include "resolve/signature.h"
#include "store/keys.h"
#include "store/rows.h"

namespace unirust::resolve {

using store::BlockName;
using store::BlockRow;
using store::FirstRecord;
using store::GroupRow;
using store::NameRow;
using store::PartRow;
using store::Piece;
using store::RecordRow;

struct RecordState {
  RecordId id;
  bool stored = false;  // there was a row before the batch
  bool live_before = false;
  bool live_now = false;
  bool written = false;  // the row differs from before, or there was none
  RowVersions<RecordRow> row;
  std::optional<Signature> signature_before;
  std::optional<Signature> signature_now;
};

struct BlockState {
  RowVersions<BlockRow> row;
  std::optional<Signature> signature_now;
};

// A block of any level: a record alone, or of a handle.
struct NameState {
  BlockName name;
  bool loaded = false;  // whether it has a row in family names is known; none counts as an empty one
  NameRow before;
  NameRow now;
  RecordState* record = nullptr;  // of a record, once it was asked for
  BlockState* block = nullptr;    // of a handle, the same
  NameState* up = nullptr;        // where the last climb went from here
  const NameState* previous = nullptr;  // what the batch before knew of it

  // How the block differs from before the batch, as far as the levels have come (level_pass.h, BlockDelta).
  enum class Change : uint8_t { kNone, kGone, kFresh, kChanged };
  Change change = Change::kNone;
  bool listed = false;  // in the delta
  NameState* heir = nullptr;  // of a gone one: a block that held all its records when it went

  // The last level at whose pass each of these was so.
  struct Marks {
    uint16_t met = 0;       // UpdateDelta must judge it
    uint16_t loose = 0;     // a node that lost its block, and is in none for now
    uint16_t exploded = 0;  // a block of before that is no more
    uint16_t grown = 0;     // a block whose nodes or signature changed
    uint16_t detached = 0;  // a node that lives on, and left a block that does
  };
  Marks marks;
  uint32_t element = 0;  // its place among what is to be united
};

struct GroupState {
  size_t number = 0;  // of those of the batch, as they came
  std::string_view encoded_key;
  store::GroupKey key;
  std::vector<std::string> values;  // the key's value tuple
  RowVersions<GroupRow> row;        // no row: no pieces
  std::vector<Piece> added;         // in this batch, sorted
  std::vector<Piece> removed;

  // How its level's pass looks at it.
  bool view_changed = false;  // its pieces, nodes or signatures differ from before
  bool link_whole = false;    // draw all its links; else only what single pieces add and take
  bool queued = false;
  bool to_finish = false;  // something may follow for it from the final entities
  bool calm = false;   // seen in this batch that each of its runs is in one block of its level
  bool whole = false;  // seen in this batch with all its pieces, though it was followed

  // Only of a large one.
  struct Large {
    // What the batch does to its runs, if it was large before and that can be told without reading all of it.
    std::optional<PieceSet::Change> by_runs;
    std::optional<std::vector<Piece>> all_before;  // once somebody asked for them
    std::optional<std::vector<Piece>> all_now;
  };
  std::unique_ptr<Large> large;
  const PieceSet::Change* by_runs() const {
    return large != nullptr && large->by_runs ? &*large->by_runs : nullptr;
  }
};

// Adds the group to those that are finished after the last level, once.
inline void AddToFinish(GroupState& group, std::vector<GroupState*>* groups) {
  if (!std::exchange(group.to_finish, true)) groups->push_back(&group);
}

}  // namespace unirust::resolve
