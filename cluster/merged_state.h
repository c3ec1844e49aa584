// The rows of all parts of a store as one state.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cluster/placement.h"
#include "store/store.h"

namespace unirust::cluster {

class MergedState final : public store::Reader::State {
 public:
  // States of the parts, in their order; those of `missing`, in the same order, are unreadable.
  enum class Walks { kFail, kPassOver };  // over rows of missing parts, and of others
  MergedState(std::vector<store::Reader> parts, std::shared_ptr<const Placement> placement,
              std::vector<MissingPart> missing, Walks walks)
      : parts_(std::move(parts)),
        placement_(std::move(placement)),
        missing_(std::move(missing)),
        walks_(walks) {}

  absl::StatusOr<bool> Get(store::Family family, std::string_view key,
                           std::string* value) const override;
  absl::Status MultiGet(store::Family family, std::span<const std::string> keys,
                        store::Reader::RowVisitor row) const override;
  uint64_t EstimateBytes(store::Family family, std::string_view lower,
                         std::string_view upper) const override;
  std::unique_ptr<store::Cursor> Scan(store::Family family, std::string lower,
                                      std::string upper) const override;
  std::unique_ptr<store::Cursor> ScanPrefix(store::Family family,
                                            std::string_view prefix) const override;
  uint64_t generation() const override { return parts_[kHome].generation(); }
  std::span<const MissingPart> missing() const override;
  std::shared_ptr<const State> Reachable() const override;

 private:
  template <typename Walk>
  std::unique_ptr<store::Cursor> WalkAll(store::Family family, const Walk& walk) const;

  const std::vector<store::Reader> parts_;
  const std::shared_ptr<const Placement> placement_;
  const std::vector<MissingPart> missing_;
  const Walks walks_;
};

// A state of which nothing can be read, for this reason.
class UnreadableState final : public store::Reader::State {
 public:
  explicit UnreadableState(absl::Status why) : why_(std::move(why)) {}

  absl::StatusOr<bool> Get(store::Family, std::string_view, std::string*) const override {
    return why_;
  }
  absl::Status MultiGet(store::Family, std::span<const std::string>,
                        store::Reader::RowVisitor) const override {
    return why_;
  }
  uint64_t EstimateBytes(store::Family, std::string_view, std::string_view) const override {
    return 0;
  }
  std::unique_ptr<store::Cursor> Scan(store::Family, std::string, std::string) const override;
  std::unique_ptr<store::Cursor> ScanPrefix(store::Family, std::string_view) const override;
  uint64_t generation() const override { return store::kNoGeneration; }

 private:
  const absl::Status why_;
};

}  // namespace unirust::cluster
