#include "resolve/piece_set.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/bytes.h"

namespace unirust::resolve {

using store::Family;
using store::Piece;
using store::PieceKey;
using store::RunKey;
using store::RunRow;

namespace {
constexpr size_t kProbesMax = 64;  // pieces that are looked at on either side of one that goes

std::optional<PieceRun> DecodeRun(std::string_view key, std::string_view value) {
  const auto decoded = RunKey::Decode(key);
  RunRow row;
  if (!decoded || !RunRow::Decode(value, &row)) return std::nullopt;
  return PieceRun{{decoded->start, row.end}, row.pieces};
}

std::optional<Piece> DecodePiece(std::string_view key) {
  const auto decoded = PieceKey::Decode(key);
  if (!decoded) return std::nullopt;
  return Piece{decoded->interval, decoded->record};
}

}  // namespace

absl::Status PieceSet::status() const {
  absl::Status out = status_;
  out.Update(pieces_.status());
  out.Update(runs_.status());
  return out;
}

std::string PieceSet::KeyOf(const Piece& piece) const {
  return PieceKey{key_, piece.interval, piece.record}.Encode();
}

std::string PieceSet::KeyOfRun(Instant start) const { return RunKey{key_, start}.Encode(); }

void PieceSet::PutRun(const PieceRun& run) {
  runs_.Put(KeyOfRun(run.interval.start), RunRow{run.interval.end, run.pieces}.Encode());
}

std::optional<PieceRun> PieceSet::RunAt(Instant at, SortedRows::When when) const {
  std::optional<PieceRun> out;
  const auto visit = [&](std::string_view key, std::string_view value) {
    const std::optional<PieceRun> run = DecodeRun(key, value);
    if (!run) status_.Update(store::Damaged(Family::kRuns, key));
    if (run && run->interval.end > at) out = run;
    return false;
  };
  runs_.WalkBack(key_, KeyOfRun(at) + '\0', visit, when);
  return out;
}

bool PieceSet::Has(const Piece& piece, SortedRows::When when) const {
  const std::string key = KeyOf(piece);
  if (when == SortedRows::When::kNow) return pieces_.Now(key).has_value();
  bool found = false;
  pieces_.Walk(
      key, key + '\0',
      [&](std::string_view, std::string_view) {
        found = true;
        return false;
      },
      when);
  return found;
}

std::vector<PieceRun> PieceSet::Runs(SortedRows::When when, size_t most) const {
  std::vector<PieceRun> out;
  const auto visit = [&](std::string_view key, std::string_view value) {
    const std::optional<PieceRun> run = DecodeRun(key, value);
    if (run) out.push_back(*run);
    if (!run) status_.Update(store::Damaged(Family::kRuns, key));
    return out.size() < most;
  };
  runs_.Walk(key_, PrefixEnd(key_), visit, when);
  return out;
}

std::vector<Piece> PieceSet::In(const Interval& time, SortedRows::When when, size_t most) const {
  std::vector<Piece> out;
  const auto visit = [&](std::string_view key, std::string_view) {
    const std::optional<Piece> piece = DecodePiece(key);
    if (piece) out.push_back(*piece);
    if (!piece) status_.Update(store::Damaged(Family::kPieces, key));
    return out.size() < most;
  };
  pieces_.Walk(KeyOfRun(time.start), KeyOfRun(time.end), visit, when);
  return out;
}

std::vector<Piece> PieceSet::All(SortedRows::When when) const {
  return In({kMinTime, kMaxTime}, when, std::numeric_limits<size_t>::max());
}

void PieceSet::Make(std::span<const Piece> all) {
  std::map<std::string, std::string> now;
  for (const Piece& piece : all) now.emplace(KeyOf(piece), "");
  pieces_.Replace(key_, std::move(now));
  CutAnew(all);
}

// Returns how many runs more there are.
int64_t PieceSet::CutAnew(std::span<const Piece> all) {
  int64_t before = 0;
  runs_.Walk(key_, PrefixEnd(key_), [&](std::string_view, std::string_view) {
    ++before;
    return true;
  });
  std::map<std::string, std::string> now;
  for (const auto& [first, last] : Chains(all)) {
    RunRow row{all[first].interval.end, last - first};
    for (size_t i = first; i < last; ++i) row.end = std::max(row.end, all[i].interval.end);
    now.emplace(KeyOfRun(all[first].interval.start), row.Encode());
  }
  const auto count = static_cast<int64_t>(now.size());
  runs_.Replace(key_, std::move(now));
  return count - before;
}

std::optional<Piece> PieceSet::FirstFrom(Instant start) const {
  std::optional<Piece> out;
  pieces_.Walk(KeyOfRun(start), PrefixEnd(key_), [&](std::string_view key, std::string_view) {
    out = DecodePiece(key);
    if (!out) status_.Update(store::Damaged(Family::kPieces, key));
    return false;
  });
  return out;
}

PieceSet::Change PieceSet::Apply(std::span<const Piece> removed, std::span<const Piece> added) {
  Change out;
  for (const Piece& piece : removed) {
    std::string key = KeyOf(piece);
    if (!pieces_.Now(key)) status_.Update(store::Damaged(Family::kPieces, key));
    pieces_.Delete(std::move(key));
  }
  for (const Piece& piece : removed) {
    out.by_runs = out.by_runs && Lose(piece, &out);
    const std::optional<PieceRun> before = RunBefore(piece.interval.start);
    if (!before) {
      status_.Update(store::Damaged(Family::kRuns, KeyOfRun(piece.interval.start)));
      return out;
    }
    LostPiece lost{.piece = piece, .before = *before, .rest = std::nullopt};
    const std::optional<Piece> rest = FirstFrom(before->interval.start);
    if (rest && rest->interval.start < before->interval.end) lost.rest = rest->interval.start;
    out.lost.push_back(lost);
  }
  std::map<Instant, GainedRun> gained;  // by the start of the run
  for (const Piece& piece : added) {
    if (out.by_runs) Gain(piece, &gained, &out);
    pieces_.Put(KeyOf(piece), "");
  }
  if (!out.by_runs) {
    out.runs += CutAnew(All(SortedRows::When::kNow));
    return {.by_runs = false, .gained = {}, .lost = {}, .runs = out.runs};
  }
  for (auto& [start, run] : gained) out.gained.push_back(std::move(run));
  return out;
}

// False if the run may have fallen apart without the piece, whose row is gone already.
bool PieceSet::Lose(const Piece& piece, Change* change) {
  const std::optional<PieceRun> run = RunNow(piece.interval.start);
  if (!run) return false;
  if (run->pieces == 1) {
    runs_.Delete(KeyOfRun(run->interval.start));
    --change->runs;
    return true;
  }
  const std::optional<Interval> interval = Without(piece, *run);
  if (!interval) return false;
  if (interval->start != run->interval.start) runs_.Delete(KeyOfRun(run->interval.start));
  PutRun({*interval, run->pieces - 1});
  return true;
}

// Where the run lies without the piece, if its other pieces still overlap each other all along: those that begin before
// it reach to where the next ones go on, up to its end. As far as a look at some pieces on either side tells.
std::optional<Interval> PieceSet::Without(const Piece& piece, const PieceRun& run) const {
  const std::string here = KeyOf(piece);
  std::optional<Instant> reach;
  size_t probes = 0;
  const auto interval_of = [&](std::string_view key) {
    const std::optional<Piece> next = DecodePiece(key);
    if (!next) status_.Update(store::Damaged(Family::kPieces, key));
    return next ? next->interval : Interval();
  };
  const std::string begin = KeyOfRun(run.interval.start);
  pieces_.WalkBack(begin, here, [&](std::string_view key, std::string_view) {
    reach = std::max(reach.value_or(kMinTime), interval_of(key).end);
    return ++probes < kProbesMax && *reach < piece.interval.end;
  });
  const bool all_seen = probes < kProbesMax;
  Interval out = run.interval;
  bool apart = false;
  if (!reach || *reach < piece.interval.end) {
    pieces_.Walk(here, PrefixEnd(key_), [&](std::string_view key, std::string_view) {
      const Interval next = interval_of(key);
      if (next.start >= run.interval.end) return false;
      if (!reach) out.start = next.start;
      if (reach && next.start >= *reach) apart = true;
      reach = std::max(reach.value_or(kMinTime), next.end);
      return !apart && ++probes < 2 * kProbesMax && *reach < piece.interval.end;
    });
  }
  if (apart || !reach) return std::nullopt;
  if (*reach >= piece.interval.end) return out;
  // The end of the run was reached, or of the probes.
  if (!all_seen || probes >= 2 * kProbesMax) return std::nullopt;
  out.end = *reach;
  return out;
}

void PieceSet::Gain(const Piece& piece, std::map<Instant, GainedRun>* gained, Change* change) {
  std::vector<PieceRun> met;
  if (const auto run = RunNow(piece.interval.start)) met.push_back(*run);
  const std::string from = KeyOfRun(piece.interval.start) + '\0';
  const std::string to = KeyOfRun(piece.interval.end);
  runs_.Walk(from, to, [&](std::string_view key, std::string_view value) {
    const std::optional<PieceRun> run = DecodeRun(key, value);
    if (run) met.push_back(*run);
    if (!run) status_.Update(store::Damaged(Family::kRuns, key));
    return true;
  });
  PieceRun all{piece.interval, 1};
  GainedRun out;
  for (const PieceRun& run : met) {
    all.interval.start = std::min(all.interval.start, run.interval.start);
    all.interval.end = std::max(all.interval.end, run.interval.end);
    all.pieces += run.pieces;
    runs_.Delete(KeyOfRun(run.interval.start));
    const auto known = gained->find(run.interval.start);
    if (known == gained->end()) {  // all its pieces were there before
      if (const auto first = FirstFrom(run.interval.start)) out.old.push_back(*first);
      continue;
    }
    const GainedRun& other = known->second;
    out.added.insert(out.added.end(), other.added.begin(), other.added.end());
    out.old.insert(out.old.end(), other.old.begin(), other.old.end());
    gained->erase(known);
  }
  out.added.push_back(piece);
  PutRun(all);
  change->runs += 1 - static_cast<int64_t>(met.size());
  (*gained)[all.interval.start] = std::move(out);
}

}  // namespace unirust::resolve
