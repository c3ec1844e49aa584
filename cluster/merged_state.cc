#include "cluster/merged_state.h"

#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "base/status_macros.h"
#include "cluster/merged_cursor.h"
#include "cluster/own_rows_cursor.h"
#include "store/slots.h"

namespace unirust::cluster {
namespace {

using store::Cursor;
using store::Family;

class UnreadableCursor final : public Cursor {
 public:
  explicit UnreadableCursor(absl::Status why) : why_(std::move(why)) {}
  bool Valid() const override { return false; }
  std::string_view key() const override { return {}; }
  std::string_view value() const override { return {}; }
  void Next() override {}
  void Prev() override {}
  void Seek(std::string_view) override {}
  void SeekToLast() override {}
  absl::Status status() const override { return why_; }

 private:
  const absl::Status why_;
};

}  // namespace

absl::StatusOr<bool> MergedState::Get(Family family, std::string_view key,
                                      std::string* value) const {
  return parts_[placement_->PartOf(family, key)].Get(family, key, value);
}

// All parts look at the same time.
absl::Status MergedState::MultiGet(Family family, std::span<const std::string> keys,
                                   store::Reader::RowVisitor row) const {
  struct Asked {
    std::vector<size_t> positions;
    std::vector<std::string> keys;
    RowsToCome rows;
  };
  std::vector<Asked> parts(parts_.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    Asked& part = parts[placement_->PartOf(family, keys[i])];
    part.positions.push_back(i);
    part.keys.push_back(keys[i]);
  }
  for (size_t part = 0; part < parts_.size(); ++part) {
    if (parts[part].keys.empty()) continue;
    parts[part].rows = parts_[part].BeginMultiGet(family, parts[part].keys);
  }
  std::vector<std::optional<std::string>> values(keys.size());
  absl::Status status;
  for (const Asked& part : parts) {
    if (!part.rows) continue;
    status.Update(part.rows(
        [&](size_t i, std::string_view value) { values[part.positions[i]] = std::string(value); }));
  }
  UNIRUST_RETURN_IF_ERROR(status);
  for (size_t i = 0; i < keys.size(); ++i) {
    if (values[i]) row(i, *values[i]);
  }
  return absl::OkStatus();
}

uint64_t MergedState::EstimateBytes(Family family, std::string_view lower,
                                    std::string_view upper) const {
  uint64_t out = 0;
  for (const store::Reader& part : parts_) out += part.EstimateBytes(family, lower, upper);
  return out;
}

std::shared_ptr<const store::Reader::State> MergedState::Reachable() const {
  if (missing_.empty()) return nullptr;
  return std::make_shared<MergedState>(parts_, placement_, missing_, Walks::kPassOver);
}

std::span<const MissingPart> MergedState::missing() const {
  if (walks_ == Walks::kFail) return {};
  return missing_;
}

// While slots move a part has rows that are another one's.
template <typename Walk>
std::unique_ptr<Cursor> MergedState::WalkAll(Family family, const Walk& walk) const {
  if (!store::HasSlots(family)) return walk(parts_[kHome]);
  std::vector<std::unique_ptr<Cursor>> cursors;
  const auto passed_over = missing();
  for (size_t part = 0; part < parts_.size(); ++part) {
    const bool absent = std::any_of(passed_over.begin(), passed_over.end(),
                                    [&](const MissingPart& one) { return one.part == part; });
    if (placement_->map.SlotsOf(part) == 0 || absent) continue;
    std::unique_ptr<Cursor> cursor = walk(parts_[part]);
    if (placement_->move) {
      cursor = std::make_unique<OwnRowsCursor>(std::move(cursor), family, part, placement_);
    }
    cursors.push_back(std::move(cursor));
  }
  return std::make_unique<MergedCursor>(std::move(cursors));
}

std::unique_ptr<Cursor> MergedState::Scan(Family family, std::string lower,
                                          std::string upper) const {
  if (const auto slot = store::SlotOfRange(family, lower, upper)) {
    return parts_[placement_->map.PartOf(*slot)].Scan(family, std::move(lower), std::move(upper));
  }
  return WalkAll(family,
                 [&](const store::Reader& part) { return part.Scan(family, lower, upper); });
}

std::unique_ptr<Cursor> MergedState::ScanPrefix(Family family, std::string_view prefix) const {
  if (const auto slot = store::SlotOfRange(family, prefix, PrefixEnd(prefix))) {
    return parts_[placement_->map.PartOf(*slot)].ScanPrefix(family, prefix);
  }
  return WalkAll(family,
                 [&](const store::Reader& part) { return part.ScanPrefix(family, prefix); });
}

std::unique_ptr<Cursor> UnreadableState::Scan(Family, std::string, std::string) const {
  return std::make_unique<UnreadableCursor>(why_);
}

std::unique_ptr<Cursor> UnreadableState::ScanPrefix(Family, std::string_view) const {
  return std::make_unique<UnreadableCursor>(why_);
}

}  // namespace unirust::cluster
