// Walks the rows of a part that are its own while slots move (docs/cluster.md, 5): those that were
// copied to it, or are to be deleted, are passed over.
#pragma once

#include <memory>
#include <string_view>

#include "cluster/placement.h"
#include "store/store.h"

namespace unirust::cluster {

class OwnRowsCursor final : public store::Cursor {
 public:
  // `rows` stands on its first key.
  OwnRowsCursor(std::unique_ptr<store::Cursor> rows, store::Family family, size_t part,
                std::shared_ptr<const Placement> placement);

  bool Valid() const override { return rows_->Valid(); }
  std::string_view key() const override { return rows_->key(); }
  std::string_view value() const override { return rows_->value(); }
  void Next() override;
  void Prev() override;
  void Seek(std::string_view key) override;
  void SeekToLast() override;
  absl::Status status() const override { return rows_->status(); }

 private:
  bool IsOwn() const;
  void SkipForward();
  void SkipBack();

  const std::unique_ptr<store::Cursor> rows_;
  const store::Family family_;
  const size_t part_;
  const std::shared_ptr<const Placement> placement_;
};

}  // namespace unirust::cluster
