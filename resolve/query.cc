#include "resolve/query.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "resolve/cursor.h"
#include "resolve/golden.h"
#include "resolve/postings.h"

namespace unirust::resolve {
namespace {

struct Pair {
  SymbolId attribute;
  std::string value;
};

absl::Status CheckQuery(const std::vector<AttributeValue>& pairs, const Interval& interval) {
  if (interval.start >= interval.end) {
    return absl::InvalidArgumentError("query: start " + std::to_string(interval.start) +
                                      " >= end " + std::to_string(interval.end));
  }
  if (pairs.size() > limits::kQueryDescriptorsMax) {
    return absl::InvalidArgumentError("query: " + std::to_string(pairs.size()) +
                                      " descriptors, at most " +
                                      std::to_string(limits::kQueryDescriptorsMax) +
                                      " are allowed");
  }
  return absl::OkStatus();
}

class Matcher {
 public:
  Matcher(const ReadContext& context, const Interval& interval)
      : context_(context), interval_(interval) {}

  // False if some attribute was never used: nothing matches.
  absl::StatusOr<bool> SetPairs(const std::vector<AttributeValue>& pairs) {
    for (const auto& [attribute, value] : pairs) {
      UNIRUST_ASSIGN_OR_RETURN(const auto symbol, context_.interner->Find(attribute));
      if (!symbol) return false;
      pairs_.push_back({*symbol, value});
    }
    return !pairs_.empty();
  }

  // The pair with the fewest postings, found by reading all of them in step until one ends.
  absl::StatusOr<size_t> Rarest() const {
    if (pairs_.size() == 1) return size_t{0};
    for (size_t limit = 64;; limit *= 4) {
      for (size_t i = 0; i < pairs_.size(); ++i) {
        PostingScan scan = Postings(i, "");
        Posting posting;
        size_t seen = 0;
        while (seen < limit && scan.Next(&posting)) ++seen;
        UNIRUST_RETURN_IF_ERROR(scan.status());
        if (seen < limit) return i;
      }
    }
  }

  PostingScan Postings(size_t pair, std::string_view after) const {
    return PostingScan(context_.reader, pairs_[pair].attribute, pairs_[pair].value, interval_,
                       after);
  }

  // The times at which every pair is held by some record of the entity, clipped to the query.
  IntervalSet Times(const Entity& entity) const {
    IntervalSet times = {interval_};
    for (const Pair& pair : pairs_) {
      std::vector<Interval> held;
      ForEachHolding(entity, pair, [&](RecordId, const Interval& i) { held.push_back(i); });
      times = Intersect(times, Coalesce(std::move(held)));
    }
    return times;
  }

  // The first of the entity's postings under the pair, in scan order: the entity is reported there and nowhere else.
  std::string FirstPosting(const Entity& entity, size_t pair) const {
    std::string first;
    ForEachHolding(entity, pairs_[pair], [&](RecordId record, const Interval& i) {
      if (!Overlaps(i, interval_)) return;
      std::string key = PostingKey(pairs_[pair].attribute, pairs_[pair].value, i, record);
      if (first.empty() || key < first) first = std::move(key);
    });
    return first;
  }

 private:
  template <typename Visit>
  static void ForEachHolding(const Entity& entity, const Pair& pair, const Visit& visit) {
    for (size_t r = 0; r < entity.records.size(); ++r) {
      for (const store::StoredDescriptor& d : entity.records[r]->descriptors) {
        if (d.attribute == pair.attribute && d.value == pair.value)
          visit(entity.ids[r], d.interval);
      }
    }
  }

  const ReadContext& context_;
  Interval interval_;
  std::vector<Pair> pairs_;
};

struct Found {
  Interval interval;
  EntityRef ref;
  BlockName entity;
  auto Order() const {
    return std::tuple<Instant, Instant, const std::string&>(interval.start, interval.end, ref.name);
  }
};

// Of all pairs of matches of different entities of one type that overlap, the first.
std::optional<std::pair<size_t, size_t>> FirstOverlap(const std::vector<Found>& found) {
  for (size_t i = 0; i < found.size(); ++i) {
    for (size_t j = i + 1;
         j < found.size() && found[j].interval.start < found[i].interval.end; ++j) {
      if (found[i].entity != found[j].entity &&
          found[i].ref.entity_type == found[j].ref.entity_type) {
        return std::pair(i, j);
      }
    }
  }
  return std::nullopt;
}

absl::StatusOr<Match> MakeMatch(EntityReader& reader, const Found& found,
                                const Interval& interval) {
  UNIRUST_ASSIGN_OR_RETURN(const Entity entity, reader.Load(found.entity));
  Match match{.entity = found.ref,
              .interval = interval,
              .golden = Clipped(Golden(entity.records, reader.rows().rules(), reader.names()),
                                interval)};
  UNIRUST_RETURN_IF_ERROR(reader.status());
  return match;
}

absl::StatusOr<std::vector<Found>> FindAll(EntityReader& reader, const Matcher& matcher) {
  UNIRUST_ASSIGN_OR_RETURN(const size_t pair, matcher.Rarest());
  std::set<BlockName> seen;
  std::vector<Found> found;
  PostingScan scan = matcher.Postings(pair, "");
  Posting posting;
  while (scan.Next(&posting)) {
    const BlockName name = reader.EntityOf(posting.record);
    if (!seen.insert(name).second) continue;
    UNIRUST_ASSIGN_OR_RETURN(const Entity entity, reader.Load(name));
    for (const Interval& interval : matcher.Times(entity)) {
      found.push_back({interval, entity.ref, name});
    }
    if (found.size() > limits::kQueryMatchesMax) {
      return absl::ResourceExhaustedError(
          "query: more than " + std::to_string(limits::kQueryMatchesMax) +
          " matches; add a descriptor, narrow the interval, or use FindEntities");
    }
  }
  UNIRUST_RETURN_IF_ERROR(scan.status());
  std::sort(found.begin(), found.end(),
            [](const Found& a, const Found& b) { return a.Order() < b.Order(); });
  return found;
}

}  // namespace

absl::StatusOr<QueryOutcome> Query(const ReadContext& context,
                                   const std::vector<AttributeValue>& pairs,
                                   const Interval& interval) {
  UNIRUST_RETURN_IF_ERROR(CheckQuery(pairs, interval));
  Matcher matcher(context, interval);
  UNIRUST_ASSIGN_OR_RETURN(const bool possible, matcher.SetPairs(pairs));
  if (!possible) return QueryOutcome(std::vector<Match>());
  EntityReader reader(context);
  UNIRUST_ASSIGN_OR_RETURN(const std::vector<Found> found, FindAll(reader, matcher));
  if (const auto overlap = FirstOverlap(found)) {
    const Found& a = found[overlap->first];
    const Found& b = found[overlap->second];
    QueryConflict conflict;
    conflict.interval = {std::max(a.interval.start, b.interval.start),
                         std::min(a.interval.end, b.interval.end)};
    UNIRUST_ASSIGN_OR_RETURN(conflict.first, MakeMatch(reader, a, conflict.interval));
    UNIRUST_ASSIGN_OR_RETURN(conflict.second, MakeMatch(reader, b, conflict.interval));
    conflict.descriptors = pairs;
    return QueryOutcome(std::move(conflict));
  }
  std::vector<Match> matches;
  for (const Found& f : found) {
    UNIRUST_ASSIGN_OR_RETURN(Match match, MakeMatch(reader, f, f.interval));
    matches.push_back(std::move(match));
  }
  return QueryOutcome(std::move(matches));
}

absl::StatusOr<Page<Match>> FindEntities(const ReadContext& context,
                                         const std::vector<AttributeValue>& pairs,
                                         const Interval& interval, size_t page_size,
                                         std::string_view cursor) {
  UNIRUST_RETURN_IF_ERROR(CheckQuery(pairs, interval));
  std::string listing = "find";
  AppendBigSigned64(&listing, interval.start);
  AppendBigSigned64(&listing, interval.end);
  for (const auto& [attribute, value] : pairs) {
    AppendString(&listing, attribute);
    AppendString(&listing, value);
  }
  UNIRUST_ASSIGN_OR_RETURN(const std::string position, DecodeCursor(listing, cursor));
  Page<Match> page;
  Matcher matcher(context, interval);
  UNIRUST_ASSIGN_OR_RETURN(const bool possible, matcher.SetPairs(pairs));
  if (!possible) return page;
  // The position is the pair that is scanned and the posting to go on behind.
  ByteReader in(position);
  size_t pair = position.empty() ? 0 : in.Big8();
  const std::string after(in.ok() ? in.rest() : "");
  if (position.empty()) {
    UNIRUST_ASSIGN_OR_RETURN(pair, matcher.Rarest());
  }
  if (pair >= pairs.size()) return absl::InvalidArgumentError("cursor: damaged");
  PostingScan scan = matcher.Postings(pair, after);
  EntityReader reader(context);
  Posting posting;
  size_t entities = 0;
  while (scan.Next(&posting)) {
    UNIRUST_ASSIGN_OR_RETURN(const Entity entity, reader.Load(reader.EntityOf(posting.record)));
    if (matcher.FirstPosting(entity, pair) != scan.key()) continue;
    const IntervalSet times = matcher.Times(entity);
    if (times.empty()) continue;
    if (entities++ == page_size) {
      return page;
    }
    for (const Interval& time : times) {
      UNIRUST_ASSIGN_OR_RETURN(Match match,
                               MakeMatch(reader, {time, entity.ref, entity.name}, time));
      page.items.push_back(std::move(match));
    }
    std::string next;
    AppendBig8(&next, static_cast<uint8_t>(pair));
    page.cursor = EncodeCursor(listing, next + scan.key());
  }
  UNIRUST_RETURN_IF_ERROR(scan.status());
  page.cursor.clear();
  return page;
}

}  // namespace unirust::resolve
