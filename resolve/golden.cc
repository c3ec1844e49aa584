#include "resolve/golden.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "resolve/claims.h"

namespace unirust::resolve {
namespace {

using ontology::Strategy;
using store::RecordRow;

// The values left after the attribute's strategies (7.2), bytewise sorted.
class Survivors {
 public:
  Survivors(const std::vector<const RecordRow*>& records, const Rules& rules)
      : records_(records), rules_(rules) {}

  std::set<std::string_view> Of(const AttributeRule& rule,
                                const std::vector<const Claim*>& holding) const {
    std::set<std::string_view> left;
    for (const Claim* claim : holding) left.insert(claim->value);
    if (rule.multi_valued) return left;
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

}  // namespace

std::vector<GoldenValue> Golden(const std::vector<const RecordRow*>& records, const Rules& rules,
                                Names& names) {
  std::map<interner::SymbolId, std::vector<Claim>> claims;
  for (size_t r = 0; r < records.size(); ++r) {
    for (const store::StoredDescriptor& d : records[r]->descriptors) {
      if (rules.Counts(d.attribute, d.value)) {
        claims[d.attribute].push_back({d.value, d.interval, r});
      }
    }
  }
  const Survivors survivors(records, rules);
  std::vector<GoldenValue> out;
  for (const auto& [attribute, held] : claims) {
    const AttributeRule& rule = rules.Attribute(attribute);
    std::map<std::string_view, std::vector<Interval>> kept;
    ForEachPiece(held, [&](const Interval& piece, const std::vector<const Claim*>& holding) {
      const std::set<std::string_view> left = survivors.Of(rule, holding);
      if (left.size() > 1 && !rule.multi_valued) return;
      for (const std::string_view value : left) kept[value].push_back(piece);
    });
    const std::string text = names.Text(attribute);
    for (auto& [value, pieces] : kept) {
      for (const Interval& interval : Coalesce(std::move(pieces))) {
        out.push_back({text, std::string(value), interval});
      }
    }
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
