#include "resolve/golden.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "resolve/claims.h"

namespace unirust::resolve {
namespace {

using ontology::Strategy;
using store::RecordRow;

// The values left after the strategies (7.2) of an attribute that is not multi-valued, bytewise sorted.
class Survivors {
 public:
  Survivors(const std::vector<const RecordRow*>& records, const Rules& rules)
      : records_(records), rules_(rules) {}

  std::set<std::string_view> Of(const AttributeRule& rule,
                                const std::vector<const Claim*>& holding) const {
    std::set<std::string_view> left;
    for (const Claim* claim : holding) left.insert(claim->value);
    for (const Strategy strategy : rule.strategies) {
      if (left.size() == 1) break;
      switch (strategy) {
        case Strategy::kPriority:
          KeepBest<double>(left, holding, [&](const Claim& c) { return Weight(c); });
          break;
        case Strategy::kMajority:
          KeepMajority(left, holding);
          break;
        case Strategy::kLatest:
          KeepBest<Instant>(left, holding, [](const Claim& c) { return c.interval.start; });
          break;
        case Strategy::kSmallest:
          left = {*left.begin()};
          break;
      }
    }
    return left;
  }

 private:
  double Weight(const Claim& claim) const {
    return rules_.Weight(records_[claim.record]->perspective);
  }

  // Keeps the values whose best claim scores highest.
  template <typename Score, typename Function>
  static void KeepBest(std::set<std::string_view>& left, const std::vector<const Claim*>& holding,
                       const Function& score) {
    std::map<std::string_view, Score> best;
    for (const Claim* claim : holding) {
      if (!left.contains(claim->value)) continue;
      const Score s = score(*claim);
      const auto [it, inserted] = best.emplace(claim->value, s);
      if (!inserted) it->second = std::max(it->second, s);
    }
    Keep(left, best);
  }

  void KeepMajority(std::set<std::string_view>& left,
                    const std::vector<const Claim*>& holding) const {
    std::map<std::string_view, std::set<interner::SymbolId>> voices;
    for (const Claim* claim : holding) {
      if (left.contains(claim->value)) {
        voices[claim->value].insert(records_[claim->record]->perspective);
      }
    }
    std::map<std::string_view, size_t> count;
    for (const auto& [value, perspectives] : voices) count[value] = perspectives.size();
    Keep(left, count);
  }

  template <typename Score>
  static void Keep(std::set<std::string_view>& left,
                   const std::map<std::string_view, Score>& scores) {
    const auto by_score = [](const auto& a, const auto& b) { return a.second < b.second; };
    const Score top = std::max_element(scores.begin(), scores.end(), by_score)->second;
    std::erase_if(left, [&](std::string_view v) { return scores.at(v) < top; });
  }

  const std::vector<const RecordRow*>& records_;
  const Rules& rules_;
};

struct Held {
  interner::SymbolId attribute;
  Claim claim;
};

// Adds the golden values of one attribute, of which the claims are sorted by value.
void AddGolden(const std::vector<Claim>& claims, const AttributeRule& rule,
               const Survivors& survivors, const std::string& attribute,
               std::vector<GoldenValue>* out) {
  std::map<std::string_view, std::vector<Interval>> kept;
  if (rule.multi_valued || claims.front().value == claims.back().value) {  // nothing to choose
    for (const Claim& claim : claims) kept[claim.value].push_back(claim.interval);
  } else {
    ForEachPiece(claims, [&](const Interval& piece, const std::vector<const Claim*>& holding) {
      const std::set<std::string_view> left = survivors.Of(rule, holding);
      if (left.size() == 1) kept[*left.begin()].push_back(piece);
    });
  }
  for (auto& [value, pieces] : kept) {
    for (const Interval& interval : Coalesce(std::move(pieces))) {
      out->push_back({attribute, std::string(value), interval});
    }
  }
}

}  // namespace

std::vector<GoldenValue> Golden(const std::vector<const RecordRow*>& records, const Rules& rules,
                                Names& names) {
  std::vector<Held> held;
  for (size_t r = 0; r < records.size(); ++r) {
    for (const store::StoredDescriptor& d : records[r]->descriptors) {
      if (rules.Counts(d.attribute, d.value)) {
        held.push_back({d.attribute, {d.value, d.interval, r}});
      }
    }
  }
  std::sort(held.begin(), held.end(), [](const Held& a, const Held& b) {
    return std::tie(a.attribute, a.claim.value) < std::tie(b.attribute, b.claim.value);
  });
  const Survivors survivors(records, rules);
  std::vector<GoldenValue> out;
  for (auto first = held.begin(); first != held.end();) {
    const auto last = std::find_if(
        first, held.end(), [&](const Held& h) { return h.attribute != first->attribute; });
    std::vector<Claim> claims;
    for (auto it = first; it != last; ++it) claims.push_back(it->claim);
    AddGolden(claims, rules.Attribute(first->attribute), survivors,
              names.Text(first->attribute), &out);
    first = last;
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<GoldenValue> Clipped(const std::vector<GoldenValue>& golden,
                                 const Interval& interval) {
  std::vector<GoldenValue> out;
  for (const GoldenValue& value : golden) {
    if (!Overlaps(value.interval, interval)) continue;
    out.push_back(value);
    out.back().interval = {std::max(value.interval.start, interval.start),
                           std::min(value.interval.end, interval.end)};
  }
  return out;
}

}  // namespace unirust::resolve
