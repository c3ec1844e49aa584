// The golden record (semantics.md, 7) of an entity: a pure function of its records and the ontology.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/answers.h"
#include "model/graph.h"
#include "resolve/claims.h"
#include "resolve/names.h"
#include "resolve/rules.h"
#include "store/rows.h"

namespace unirust::resolve {

// Ordered by attribute, value (bytewise), start.
std::vector<GoldenValue> Golden(const std::vector<const store::RecordRow*>& records,
                                const Rules& rules, Names& names);

// The same for one entity after the other, in memory that is used again. Not thread-safe.
class GoldenMaker {
 public:
  explicit GoldenMaker(const Rules& rules) : rules_(rules) {}

  // Views into the records and names; the list is valid until the next call.
  std::span<const DescriptorView> Of(const std::vector<const store::RecordRow*>& records,
                                     Names& names) &;

 private:
  struct AttributeClaim {
    // Of the attribute's name and of the value, the first bytes: they mostly decide which comes first.
    uint64_t name_head = 0;
    uint64_t value_head = 0;
    const std::string* name = nullptr;
    const store::StoredDescriptor* descriptor = nullptr;
    size_t record = 0;
  };
  using Kept = std::pair<std::string_view, Interval>;

  static bool Before(const AttributeClaim& a, const AttributeClaim& b);
  // Adds the golden values of one attribute, of which the claims are sorted by value and start.
  void AddAttribute(std::span<const AttributeClaim> held,
                    const std::vector<const store::RecordRow*>& records);
  // What the strategies leave of claims_, to kept_.
  void Choose(const AttributeRule& rule, const std::vector<const store::RecordRow*>& records);
  // Values with their times, sorted.
  void Add(std::string_view attribute, std::span<const Kept> kept);

  const Rules& rules_;
  std::vector<AttributeClaim> held_;
  std::vector<Claim> claims_;  // of one attribute
  std::vector<Claim> in_time_;  // the same, sorted by start
  std::vector<Kept> kept_;
  std::vector<DescriptorView> out_;
};

// The parts of `golden` that hold in `interval`, clipped to it.
std::vector<GoldenValue> Clipped(const std::vector<GoldenValue>& golden, const Interval& interval);

}  // namespace unirust::resolve
