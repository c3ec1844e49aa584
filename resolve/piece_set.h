// Very many pieces of a group, kept one row a piece and one row a run, so that a piece more or less costs what changes
// around it and not what the set holds (docs/resolution.md, 8).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
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

class PieceSet {
 public:
  // Works on the rows of both families that belong to the set (store::PieceSetKey, encoded); both must outlive this.
  PieceSet(SortedRows& pieces, SortedRows& runs, std::string set_key)
      : pieces_(pieces), runs_(runs), key_(std::move(set_key)) {}

  // What a change did, run by run.
  struct Change {
    bool by_runs = true;  // false: a run may have fallen apart, all were cut anew, and the rest is not told
    std::vector<GainedRun> gained;
    std::vector<LostPiece> lost;
    int64_t runs = 0;  // how many more there are, in any case
  };
  // Both sorted; `removed` are there, `added` are not.
  Change Apply(std::span<const store::Piece> removed, std::span<const store::Piece> added);

  std::vector<store::Piece> AllBefore() const { return All(SortedRows::When::kBefore); }
  // From now on these are its pieces, sorted. Reads all rows, and writes what differs.
  void Make(std::span<const store::Piece> all);

  // The run that goes on at an instant.
  std::optional<PieceRun> RunBefore(Instant at) const {
    return RunAt(at, SortedRows::When::kBefore);
  }
  std::optional<PieceRun> RunNow(Instant at) const { return RunAt(at, SortedRows::When::kNow); }

  bool Has(const store::Piece& piece, SortedRows::When when) const;
  // The first `most` runs, and pieces that begin within a time.
  std::vector<PieceRun> Runs(SortedRows::When when, size_t most) const;
  std::vector<store::Piece> In(const Interval& time, SortedRows::When when, size_t most) const;

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
  int64_t CutAnew(std::span<const store::Piece> all);

  SortedRows& pieces_;
  SortedRows& runs_;
  std::string key_;
  mutable absl::Status status_;
};

}  // namespace unirust::resolve
