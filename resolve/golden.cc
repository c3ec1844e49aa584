#include "resolve/golden.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "resolve/claims.h"

namespace unirust::resolve {
namespace {

using interner::SymbolId;
using ontology::Strategy;
using store::RecordRow;

// What the claims on a value that hold at one time say for it.
struct Standing {
  std::string_view value;
  double weight = 0;   // the highest of a perspective that claims it
  size_t voices = 0;   // perspectives that claim it
  Instant latest = 0;  // start of a claim
};

// The values that hold at one time, the best by the strategies (7.2) of an attribute first.
class Ranking {
 public:
  Ranking(const std::vector<const RecordRow*>& records, const AttributeRule& rule,
          const Rules& rules)
      : records_(records), rules_(rules), rule_(rule), standings_(Before{&rule}) {}

  void Begin(const Claim& claim) {
    Held& held = values_[claim.value];
    Take(held);
    const SymbolId perspective = records_[claim.record]->perspective;
    held.weights.insert(rules_.Weight(perspective));
    held.starts.insert(claim.interval.start);
    ++held.voices[perspective];
    Put(claim.value, held);
  }

  void End(const Claim& claim) {
    Held& held = values_.at(claim.value);
    Take(held);
    const SymbolId perspective = records_[claim.record]->perspective;
    held.weights.erase(held.weights.find(rules_.Weight(perspective)));
    held.starts.erase(held.starts.find(claim.interval.start));
    if (--held.voices.at(perspective) == 0) held.voices.erase(perspective);
    Put(claim.value, held);
  }

  // The value that is left after the strategies, if it is one.
  std::optional<std::string_view> Winner() const {
    if (standings_.empty()) return std::nullopt;
    const auto first = standings_.begin();
    const auto second = std::next(first);
    if (second != standings_.end() && !Before{&rule_}.Beats(*first, *second)) return std::nullopt;
    return first->value;
  }

 private:
  // Each strategy looks only at the claims on the values that the ones before left equal, and what it looks at are
  // claims on one value alone: so the values left are those that come first in this order.
  struct Before {
    const AttributeRule* rule;

    bool Beats(const Standing& a, const Standing& b) const {
      for (const Strategy strategy : rule->strategies) {
        if (strategy == Strategy::kPriority && a.weight != b.weight) return a.weight > b.weight;
        if (strategy == Strategy::kMajority && a.voices != b.voices) return a.voices > b.voices;
        if (strategy == Strategy::kLatest && a.latest != b.latest) return a.latest > b.latest;
        if (strategy == Strategy::kSmallest) return a.value < b.value;
      }
      return false;
    }
    bool operator()(const Standing& a, const Standing& b) const {
      if (Beats(a, b)) return true;
      return !Beats(b, a) && a.value < b.value;
    }
  };
  using Standings = std::set<Standing, Before>;

  struct Held {
    std::multiset<double> weights;
    std::multiset<Instant> starts;
    std::map<SymbolId, size_t> voices;
    std::optional<Standings::iterator> standing;
  };

  void Take(Held& held) {
    if (held.standing) standings_.erase(*held.standing);
    held.standing.reset();
  }

  void Put(std::string_view value, Held& held) {
    if (held.starts.empty()) {
      values_.erase(value);
      return;
    }
    held.standing =
        standings_
            .insert({value, *held.weights.rbegin(), held.voices.size(), *held.starts.rbegin()})
            .first;
  }

  const std::vector<const RecordRow*>& records_;
  const Rules& rules_;
  const AttributeRule& rule_;
  Standings standings_;
  std::map<std::string_view, Held> values_;
};

struct AttributeClaim {
  SymbolId attribute;
  Claim claim;
};

// Adds the golden values of one attribute, of which the claims are sorted by value.
void AddGolden(const std::vector<Claim>& claims, const AttributeRule& rule, Ranking ranking,
               const std::string& attribute, std::vector<GoldenValue>* out) {
  std::map<std::string_view, std::vector<Interval>> kept;
  if (rule.multi_valued || claims.front().value == claims.back().value) {  // nothing to choose
    for (const Claim& claim : claims) kept[claim.value].push_back(claim.interval);
  } else {
    ForEachPiece(claims, [&](const Interval& piece, const auto& begun, const auto& ended) {
      for (const Claim* claim : begun) ranking.Begin(*claim);
      for (const Claim* claim : ended) ranking.End(*claim);
      if (const auto winner = ranking.Winner()) kept[*winner].push_back(piece);
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
  std::vector<AttributeClaim> held;
  for (size_t r = 0; r < records.size(); ++r) {
    for (const store::StoredDescriptor& d : records[r]->descriptors) {
      if (rules.Counts(d.attribute, d.value)) {
        held.push_back({d.attribute, {d.value, d.interval, r}});
      }
    }
  }
  std::sort(held.begin(), held.end(), [](const AttributeClaim& a, const AttributeClaim& b) {
    return std::tie(a.attribute, a.claim.value) < std::tie(b.attribute, b.claim.value);
  });
  std::vector<GoldenValue> out;
  for (auto first = held.begin(); first != held.end();) {
    const auto last = std::find_if(first, held.end(), [&](const AttributeClaim& h) {
      return h.attribute != first->attribute;
    });
    std::vector<Claim> claims;
    for (auto it = first; it != last; ++it) claims.push_back(it->claim);
    const AttributeRule& rule = rules.Attribute(first->attribute);
    AddGolden(claims, rule, Ranking(records, rule, rules), names.Text(first->attribute), &out);
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
