// Where the rows of a store of several parts lie, while slots move as well (docs/cluster.md, 5).
// Home keeps it in one row, which changes with the epochs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cluster/slot_map.h"
#include "store/slot_rows.h"

namespace unirust::cluster {

// Slots on their way from one part to another.
struct Move {
  enum class Phase : uint8_t {
    kCopying = 0,  // `from` has the slots; what is behind `done` lies in both parts, and is written
                   // in both
    kSweeping = 1,  // the part that has the slots is decided; what lies behind `done` is gone from
                    // the other one
  };
  uint64_t id = 0;  // no other move of the store has it
  size_t from = 0;
  size_t to = 0;
  store::SlotSet slots;
  Phase phase = Phase::kCopying;
  store::SlotPosition done;
  uint64_t rows = 0;   // that were copied, or deleted
  uint64_t bytes = 0;  // of these
};

struct Placement {
  uint64_t version = 1;  // counts the changes of `map` and `target`
  SlotMap map;
  SlotMap target;     // where the slots go one day
  std::string fault;  // why the last move was given up, until there is another target
  std::optional<Move> move;

  static Placement Of(const SlotMap& map);
  std::string Encode() const;
  static std::optional<Placement> Decode(std::string_view bytes);

  size_t LastPart() const;          // that has slots, or will have
  bool HasRows(size_t part) const;  // or may have
  size_t PartOf(store::Family family, std::string_view key) const;
  // The part that a row is written to as well.
  std::optional<size_t> CopyOf(store::Family family, std::string_view key) const;

  // The move that comes next, with this id. Nothing if all slots are where they go.
  std::optional<Move> NextMove(uint64_t id) const;
  SlotMap Coming() const;  // when the move is done
  void Switch();           // the slots of the move now belong where they were copied to
  void GiveUp();           // the slots of the move stay where they were
  // The part of which what moves is deleted. Only while sweeping.
  size_t SweptPart() const;
};

}  // namespace unirust::cluster
