// Integer ids that cannot be mixed up: StrongId<Tag, Rep> is comparable and hashable, and converts to and from its
// representation only explicitly.
//
//   using RecordId = StrongId<struct RecordIdTag, uint32_t>;
//   RecordId id{7};  id.value() == 7
#pragma once

#include <compare>
#include <utility>

namespace unirust {

template <typename Tag, typename Rep>
class StrongId {
 public:
  using Representation = Rep;
  constexpr StrongId() = default;
  constexpr explicit StrongId(Rep value) : value_(value) {}
  constexpr Rep value() const { return value_; }
  friend constexpr auto operator<=>(StrongId, StrongId) = default;
  template <typename H>
  friend H AbslHashValue(H h, StrongId id) {
    return H::combine(std::move(h), id.value_);
  }

 private:
  Rep value_ = 0;
};

}  // namespace unirust
