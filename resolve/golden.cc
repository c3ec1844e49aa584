#include "resolve/golden.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "base/bytes.h"


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

}  // namespace

std::vector<GoldenValue> Golden(const std::vector<const RecordRow*>& records, const Rules& rules,
                                Names& names) {
  std::vector<GoldenValue> out;
  GoldenMaker maker(rules);
  for (const DescriptorView& d : maker.Of(records, names)) {
    out.push_back({std::string(d.attribute), std::string(d.value), d.interval});
  }
  return out;
}

std::span<const DescriptorView> GoldenMaker::Of(const std::vector<const RecordRow*>& records,
                                                Names& names) & {
  out_.clear();
  held_.clear();
  for (size_t r = 0; r < records.size(); ++r) {
    for (const store::StoredDescriptor& d : records[r]->descriptors) {
      const std::string& name = names.Text(d.attribute);
      held_.push_back({HeadOf(name), HeadOf(d.value), &name, &d, r});
    }
  }
  if (records.size() > 1) {  // what one record says is in this order
    std::sort(held_.begin(), held_.end(), Before);
  }
  for (auto first = held_.begin(); first != held_.end();) {
    const auto last = std::find_if(first, held_.end(), [&](const AttributeClaim& h) {
      return h.descriptor->attribute != first->descriptor->attribute;
    });
    AddAttribute({first, last}, records);
    first = last;
  }
  return out_;
}

// Sorted by attribute, value and start.
bool GoldenMaker::Before(const AttributeClaim& a, const AttributeClaim& b) {
  if (a.name_head != b.name_head) return a.name_head < b.name_head;
  if (a.descriptor->attribute != b.descriptor->attribute) return *a.name < *b.name;
  if (a.value_head != b.value_head) return a.value_head < b.value_head;
  const int order = a.descriptor->value.compare(b.descriptor->value);
  return order != 0 ? order < 0 : a.descriptor->interval.start < b.descriptor->interval.start;
}

void GoldenMaker::AddAttribute(std::span<const AttributeClaim> held,
                               const std::vector<const RecordRow*>& records) {
  const AttributeRule& rule = rules_.Attribute(held.front().descriptor->attribute);
  claims_.clear();
  kept_.clear();
  for (const AttributeClaim& h : held) {
    const store::StoredDescriptor& d = *h.descriptor;
    if (!rule.Counts(d.value)) continue;
    claims_.push_back({d.value, d.interval, h.record});
    kept_.emplace_back(d.value, d.interval);
  }
  if (claims_.empty()) return;
  if (!rule.multi_valued && claims_.front().value != claims_.back().value) {
    in_time_ = claims_;
    std::sort(in_time_.begin(), in_time_.end(), [](const Claim& a, const Claim& b) {
      return a.interval.start < b.interval.start;
    });
    const auto meet = [](const Claim& a, const Claim& b) {
      return b.interval.start < a.interval.end;
    };
    // Where one claim at a time holds, there is nothing to choose.
    if (std::adjacent_find(in_time_.begin(), in_time_.end(), meet) != in_time_.end()) {
      Choose(rule, records);
    }
  }
  Add(*held.front().name, kept_);
}

void GoldenMaker::Choose(const AttributeRule& rule, const std::vector<const RecordRow*>& records) {
  kept_.clear();
  Ranking ranking(records, rule, rules_);
  ForEachPiece(claims_, [&](const Interval& piece, const auto& begun, const auto& ended) {
    for (const Claim* claim : begun) ranking.Begin(*claim);
    for (const Claim* claim : ended) ranking.End(*claim);
    if (const auto winner = ranking.Winner()) kept_.emplace_back(*winner, piece);
  });
  std::sort(kept_.begin(), kept_.end());
}

void GoldenMaker::Add(std::string_view attribute, std::span<const Kept> kept) {
  const size_t first = out_.size();
  for (const auto& [value, interval] : kept) {
    if (out_.size() > first && out_.back().value == value &&
        interval.start <= out_.back().interval.end) {
      out_.back().interval.end = std::max(out_.back().interval.end, interval.end);
    } else {
      out_.push_back({attribute, value, interval});
    }
  }
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
