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
#include "resolve/page.h"
#include "resolve/postings.h"

namespace unirust::resolve {
namespace {

// Postings read of all pairs together to find out which is selective.
constexpr size_t kPostingsProbed = 1024;

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

  // The pair whose postings are to be walked: the one with the fewest, where some pair has few, and else the one whose
  // part of the index is the smallest.
  absl::StatusOr<size_t> MostSelective() const {
    if (pairs_.size() == 1) return size_t{0};
    std::vector<PostingScan> scans;
    for (size_t i = 0; i < pairs_.size(); ++i) scans.push_back(Postings(i, ""));
    for (size_t step = 0; step <= kPostingsProbed / pairs_.size(); ++step) {
      for (size_t i = 0; i < pairs_.size(); ++i) {
        Posting posting;
        if (scans[i].Next(&posting)) continue;
        UNIRUST_RETURN_IF_ERROR(scans[i].status());
        return i;
      }
    }
    size_t smallest = 0;
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < pairs_.size(); ++i) {
      const std::string prefix = store::AttributeValueKey::Prefix(
          pairs_[i].attribute, store::EncodeValue(pairs_[i].value));
      const uint64_t bytes = context_.reader.EstimateBytes(store::Family::kAttributeValues, prefix,
                                                           PrefixEnd(prefix));
      if (bytes < least) smallest = i;
      least = std::min(least, bytes);
    }
    return smallest;
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

// Walks the postings of one pair and stops at each entity that matches, once: at its first posting. Holds no more than
// a page may read, and the entity that it stands on.
class EntityScan {
 public:
  EntityScan(const ReadContext& context, const Matcher& matcher, size_t pair,
             std::string_view after)
      : context_(context),
        matcher_(matcher),
        pair_(pair),
        postings_(matcher.Postings(pair, after)),
        position_(after) {
    climber_.emplace(context);
    Forget();
  }

  // Moves to the next entity that matches. False at the end, on an error, and where as much was read as a page may
  // read; `more` tells, and the next call goes on there.
  bool Next() {
    for (;;) {
      if (next_ == ahead_.size()) {
        if (!more_postings_) return false;
        if (climbed_ == limits::kPageRowsReadMax) {
          climber_.emplace(context_);
          climbed_ = 0;
          return false;
        }
        if (!ReadAhead()) return false;
        continue;
      }
      const auto& [name, key] = ahead_[next_];
      const bool decided = decided_.contains(name);
      if (!decided && loaded_.Spent()) {  // postings of entities that are loaded already cost little
        Forget();
        return false;
      }
      ++next_;
      passed_ = std::exchange(position_, key);
      if (decided) continue;
      const bool matches = Decide(name);
      if (matches || !status_.ok()) return matches;
    }
  }

  const Entity& entity() const { return entity_; }
  const IntervalSet& times() const { return times_; }
  EntityReader& reader() { return *reader_; }
  bool more() const { return more_postings_ || next_ < ahead_.size(); }  // there may be
  const std::string& position() const { return position_; }       // the posting to go on behind
  const std::string& position_before() const { return passed_; }  // to come to this entity again
  const absl::Status& status() const { return status_; }

 private:
  // Reads the next postings, with their entities; `more_postings_` says whether others may follow. False on an error.
  bool ReadAhead() {
    ahead_.clear();
    next_ = 0;
    std::vector<RecordId> records;
    std::vector<std::string> keys;
    const size_t count = gaps_ ? 1 : std::min(at_once_, limits::kPageRowsReadMax - climbed_);
    for (Posting posting; keys.size() < count && postings_.Next(&posting);) {
      records.push_back(posting.record);
      keys.push_back(postings_.key());
    }
    climbed_ += keys.size();
    at_once_ = std::min(2 * at_once_, kReadAtOnceMax);
    more_postings_ = keys.size() == count;
    climber_->PreloadEntitiesOf(records);
    std::vector<BlockName> entities;
    for (size_t i = 0; i < records.size(); ++i) {
      const BlockName name = climber_->EntityOf(records[i]);
      ahead_.emplace_back(name, std::move(keys[i]));
      if (!decided_.contains(name)) entities.push_back(name);
    }
    if (Fail(postings_.status())) return false;
    if (gaps_ && store::IsMissing(climber_->status())) {
      PassOverAhead();
      return true;
    }
    reader_->PreloadRecordsOf(entities);
    return !Fail(climber_->status());
  }

  // The entity of the posting that was read ahead, the only one, cannot be known.
  void PassOverAhead() {
    passed_ = std::exchange(position_, std::move(ahead_.back().second));
    ++next_;
    climber_.emplace(context_);
  }

  // Whether this posting is the entity's first and the entity matches.
  bool Decide(BlockName name) {
    decided_.insert(name);
    absl::StatusOr<Entity> entity = reader_->Load(name);
    if (gaps_ && store::IsMissing(entity.status())) {
      reader_.emplace(context_);
      return false;
    }
    if (Fail(entity.status())) return false;
    entity_ = *std::move(entity);
    for (const RecordRow* record : entity_.records) loaded_.Read(TextBytes(*record));
    if (matcher_.FirstPosting(entity_, pair_) != position_) return false;
    times_ = matcher_.Times(entity_);
    return !times_.empty();
  }

  void Forget() {
    reader_.emplace(context_);
    decided_.clear();
    loaded_ = PageBudget(0);
  }

  bool Fail(const absl::Status& status) {
    status_.Update(status);
    return !status_.ok();
  }

  const ReadContext& context_;
  const Matcher& matcher_;
  size_t pair_;
  // What needs rows of missing parts is passed over, so postings are read one by one.
  const bool gaps_ = !context_.reader.missing().empty();
  PostingScan postings_;
  size_t at_once_ = kReadAtOnce;
  std::vector<std::pair<BlockName, std::string>> ahead_;  // the entities and keys of the next postings
  size_t next_ = 0;                                       // of them
  bool more_postings_ = true;                             // behind them, perhaps
  std::string position_;
  std::string passed_;
  absl::Status status_;
  std::optional<EntityReader> climber_;  // finds the entities of postings: of so many since it was made
  size_t climbed_ = 0;
  std::optional<EntityReader> reader_;  // loads entities
  std::set<BlockName> decided_;         // that it loaded
  PageBudget loaded_{0};                // and of which size
  Entity entity_;
  IntervalSet times_;
};

// Where a page of FindEntities ends.
struct FindPosition {
  size_t pair = 0;     // whose postings are walked
  std::string behind;  // the posting to go on behind
  std::string within;  // the posting of an entity of which some matches were handed on
  size_t taken = 0;    // so many

  std::string Encode() const {
    std::string out;
    AppendBig8(&out, static_cast<uint8_t>(pair));
    AppendString(&out, behind);
    AppendString(&out, within);
    AppendVarint(&out, taken);
    return out;
  }
  // Cursors are checked as a whole.
  static FindPosition Decode(std::string_view position) {
    FindPosition out;
    if (position.empty()) return out;
    ByteReader in(position);
    out.pair = in.Big8();
    out.behind = in.String();
    out.within = in.String();
    out.taken = in.Varint();
    return out;
  }
};

struct Found {
  Match match;  // its golden record only while all of them fit one answer
  BlockName entity;
  auto Order() const {
    return std::tuple<Instant, Instant, const std::string&>(
        match.interval.start, match.interval.end, match.entity.name);
  }
};

// Of all pairs of matches of different entities of one type that overlap, the first.
std::optional<std::pair<size_t, size_t>> FirstOverlap(const std::vector<Found>& found) {
  for (size_t i = 0; i < found.size(); ++i) {
    for (size_t j = i + 1;
         j < found.size() && found[j].match.interval.start < found[i].match.interval.end; ++j) {
      if (found[i].entity != found[j].entity &&
          found[i].match.entity.entity_type == found[j].match.entity.entity_type) {
        return std::pair(i, j);
      }
    }
  }
  return std::nullopt;
}

// The golden record of the entity that the scan stands on.
std::vector<GoldenValue> GoldenOf(EntityScan& scan) {
  return Golden(scan.entity().records, scan.reader().rows().rules(), scan.reader().names());
}

// What matches in all. Golden records are let go of once an answer could not hold them.
class AllMatches {
 public:
  explicit AllMatches(const ReadContext& context) : context_(context) {}

  // RESOURCE_EXHAUSTED: more than limits::kQueryMatchesMax.
  absl::Status Find(const Matcher& matcher) {
    UNIRUST_ASSIGN_OR_RETURN(const size_t pair, matcher.MostSelective());
    EntityScan scan(context_, matcher, pair, "");
    while (scan.more()) {
      while (scan.Next()) {
        if (found_.size() + scan.times().size() > limits::kQueryMatchesMax) {
          return absl::ResourceExhaustedError(
              "query: more than " + std::to_string(limits::kQueryMatchesMax) +
              " matches; add a descriptor, narrow the interval, or use FindEntities");
        }
        Add(scan);
        UNIRUST_RETURN_IF_ERROR(scan.reader().status());
      }
      UNIRUST_RETURN_IF_ERROR(scan.status());
    }
    std::sort(found_.begin(), found_.end(),
              [](const Found& a, const Found& b) { return a.Order() < b.Order(); });
    return absl::OkStatus();
  }

  const std::vector<Found>& found() const { return found_; }

  // Ordered by time and entity. RESOURCE_EXHAUSTED: too many for one answer.
  absl::StatusOr<std::vector<Match>> Take() {
    if (!fit_) {
      return absl::ResourceExhaustedError("query: " + std::to_string(found_.size()) +
                                          " matches are too many for one answer; use FindEntities");
    }
    std::vector<Match> out;
    for (Found& found : found_) out.push_back(std::move(found.match));
    return out;
  }

  // A match, with its golden record in the interval, a part of its own.
  absl::StatusOr<Match> Within(const Found& found, const Interval& interval) const {
    Match out{found.match.entity, interval, {}};
    if (fit_) {
      out.golden = Clipped(found.match.golden, interval);
      return out;
    }
    EntityReader reader(context_);
    UNIRUST_ASSIGN_OR_RETURN(const Entity entity, reader.Load(found.entity));
    out.golden = Clipped(Golden(entity.records, reader.rows().rules(), reader.names()), interval);
    UNIRUST_RETURN_IF_ERROR(reader.status());
    return out;
  }

 private:
  void Add(EntityScan& scan) {
    const std::vector<GoldenValue> golden = fit_ ? GoldenOf(scan) : std::vector<GoldenValue>();
    for (const Interval& time : scan.times()) {
      found_.push_back({{scan.entity().ref, time, {}}, scan.entity().name});
      if (!fit_) continue;
      found_.back().match.golden = Clipped(golden, time);
      bytes_ += MessageBytes(found_.back().match);
      if (bytes_ > limits::kUnaryAnswerBytesMax) LetGoOfGolden();
    }
  }

  void LetGoOfGolden() {
    fit_ = false;
    for (Found& found : found_) std::vector<GoldenValue>().swap(found.match.golden);
  }

  const ReadContext& context_;
  std::vector<Found> found_;
  size_t bytes_ = 0;
  bool fit_ = true;  // one answer
};

}  // namespace

absl::StatusOr<QueryOutcome> Query(const ReadContext& context,
                                   const std::vector<AttributeValue>& pairs,
                                   const Interval& interval) {
  UNIRUST_RETURN_IF_ERROR(CheckQuery(pairs, interval));
  Matcher matcher(context, interval);
  UNIRUST_ASSIGN_OR_RETURN(const bool possible, matcher.SetPairs(pairs));
  if (!possible) return QueryOutcome(std::vector<Match>());
  AllMatches matches(context);
  UNIRUST_RETURN_IF_ERROR(matches.Find(matcher));
  const auto overlap = FirstOverlap(matches.found());
  if (!overlap) {
    UNIRUST_ASSIGN_OR_RETURN(std::vector<Match> all, matches.Take());
    return QueryOutcome(std::move(all));
  }
  const Found& a = matches.found()[overlap->first];
  const Found& b = matches.found()[overlap->second];
  QueryConflict conflict;
  conflict.interval = {std::max(a.match.interval.start, b.match.interval.start),
                       std::min(a.match.interval.end, b.match.interval.end)};
  UNIRUST_ASSIGN_OR_RETURN(conflict.first, matches.Within(a, conflict.interval));
  UNIRUST_ASSIGN_OR_RETURN(conflict.second, matches.Within(b, conflict.interval));
  conflict.descriptors = pairs;
  return QueryOutcome(std::move(conflict));
}

absl::StatusOr<Page<Match>> FindEntities(const ReadContext& context,
                                         const std::vector<AttributeValue>& pairs,
                                         const Interval& interval, size_t page_size,
                                         std::string_view cursor) {
  UNIRUST_RETURN_IF_ERROR(CheckQuery(pairs, interval));
  Listing listing{.lineage = {}, .name = "find"};
  UNIRUST_ASSIGN_OR_RETURN(listing.lineage, context.reader.ReadLineage());
  AppendBigSigned64(&listing.name, interval.start);
  AppendBigSigned64(&listing.name, interval.end);
  for (const auto& [attribute, value] : pairs) {
    AppendString(&listing.name, attribute);
    AppendString(&listing.name, value);
  }
  UNIRUST_ASSIGN_OR_RETURN(const std::string position, DecodeCursor(listing, cursor));
  Page<Match> page;
  Matcher matcher(context, interval);
  UNIRUST_ASSIGN_OR_RETURN(const bool possible, matcher.SetPairs(pairs));
  if (!possible) return page;
  FindPosition from = FindPosition::Decode(position);
  if (position.empty()) {
    UNIRUST_ASSIGN_OR_RETURN(from.pair, matcher.MostSelective());
  }
  if (from.pair >= pairs.size()) return absl::InvalidArgumentError("cursor: damaged");
  EntityScan scan(context, matcher, from.pair, from.behind);
  PageBudget budget(page_size);
  while (scan.Next()) {
    const std::vector<GoldenValue> golden = GoldenOf(scan);
    UNIRUST_RETURN_IF_ERROR(scan.reader().status());
    for (size_t i = scan.position() == from.within ? from.taken : 0; i < scan.times().size(); ++i) {
      Match match{scan.entity().ref, scan.times()[i], Clipped(golden, scan.times()[i])};
      if (!budget.Take(MessageBytes(match))) {
        page.cursor = EncodeCursor(
            listing,
            FindPosition{from.pair, scan.position_before(), scan.position(), i}.Encode());
        return page;
      }
      page.items.push_back(std::move(match));
    }
  }
  UNIRUST_RETURN_IF_ERROR(scan.status());
  if (scan.more()) {
    page.cursor = EncodeCursor(listing, FindPosition{from.pair, scan.position(), "", 0}.Encode());
  }
  return page;
}

}  // namespace unirust::resolve
