// A group of very many pieces, kept one row a piece and one row a run, so that a piece more or less costs what changes
// around it and not what the group holds (docs/resolution.md, 8).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "resolve/links.h"
#include "resolve/sorted_rows.h"
#include "store/keys.h"
#include "store/rows.h"

namespace unirust::resolve {

// A maximal chain of pieces that overlap.
struct PieceRun {
  Interval interval;
  uint64_t pieces = 0;
};

// A piece that a run of before lost; what else the run had is still one run.
struct LostPiece {
  store::Piece piece;
  PieceRun before;              // the run that had it
  std::optional<Instant> rest;  // the start of some piece that the run keeps; nothing if it keeps none
};

class LargeGroup {
 public:
  // Works on the rows of both families that belong to the group; all must outlive this.
  LargeGroup(SortedRows& pieces, SortedRows& runs, std::string_view group_key)
      : pieces_(pieces), runs_(runs), key_(group_key) {}

  // What a change did, run by run.
  struct Change {
    bool by_runs = true;  // false: a run may have fallen apart, all were cut anew, and the rest is not told
    std::vector<GainedRun> gained;
    std::vector<LostPiece> lost;
    int64_t runs = 0;  // how many more there are
  };
  // Both sorted; `removed` are there, `added` are not.
  Change Apply(std::span<const store::Piece> removed, std::span<const store::Piece> added);

  std::vector<store::Piece> AllBefore() const { return All(SortedRows::When::kBefore); }
  void Make(std::span<const store::Piece> all);  // there were none; sorted
  void Remove();                                 // all rows

  // The run that goes on at an instant.
  std::optional<PieceRun> RunBefore(Instant at) const {
    return RunAt(at, SortedRows::When::kBefore);
  }
  std::optional<PieceRun> RunNow(Instant at) const { return RunAt(at, SortedRows::When::kNow); }

  absl::Status status() const;

 private:
  std::optional<PieceRun> RunAt(Instant at, SortedRows::When when) const;
  std::vector<store::Piece> All(SortedRows::When when) const;
  std::string KeyOf(const store::Piece& piece) const;
  std::string KeyOfRun(Instant start) const;
  std::optional<store::Piece> FirstFrom(Instant start) const;
  void PutRun(const PieceRun& run);
  bool Lose(const store::Piece& piece, Change* change);
  std::optional<Interval> Without(const store::Piece& piece, const PieceRun& run) const;
  void Gain(const store::Piece& piece, std::map<Instant, GainedRun>* gained, Change* change);
  void CutAnew(std::span<const store::Piece> all);

  SortedRows& pieces_;
  SortedRows& runs_;
  std::string key_;
  mutable absl::Status status_;
};

}  // namespace unirust::resolve
