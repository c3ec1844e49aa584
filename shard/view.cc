#include <algorithm>
#include <string>
#include <utility>

#include "base/limits.h"
#include "base/status_macros.h"
#include "resolve/digest.h"
#include "resolve/golden.h"
#include "resolve/graph.h"
#include "resolve/listings.h"
#include "resolve/query.h"
#include "shard/engine.h"
#include "shard/meta_keys.h"
#include "shard/page_size.h"
#include "shard/view_state.h"

namespace unirust::shard {
namespace {

// Leaves only what holds at the instant.
void RestrictTo(Instant instant, std::vector<Descriptor>* descriptors) {
  std::erase_if(*descriptors, [&](const Descriptor& d) {
    return instant < d.interval.start || d.interval.end <= instant;
  });
}

}  // namespace

absl::StatusOr<std::string> View::NextOfGraph(State& state, const std::vector<GraphPart>& parts,
                                              size_t page_size, std::string_view cursor,
                                              GraphSink* page) {
  State::Paused graph;
  {
    MutexLock lock(state.mutex);
    std::swap(graph, state.paused);
  }
  if (graph.pages == nullptr || graph.pages->cursor() != cursor || graph.parts != parts) {
    graph.parts = parts;
    UNIRUST_ASSIGN_OR_RETURN(graph.pages,
                             resolve::GraphPages::From(state.context, parts, cursor));
  }
  UNIRUST_ASSIGN_OR_RETURN(std::string next, graph.pages->Next(PageSize(page_size), page));
  if (!next.empty()) {
    MutexLock lock(state.mutex);
    state.paused = std::move(graph);
  }
  return next;
}

View::View(std::unique_ptr<State> state) : state_(std::move(state)) {}
View::View(View&&) noexcept = default;
View& View::operator=(View&&) noexcept = default;
View::~View() = default;

absl::StatusOr<EntityView> View::GetEntity(const Identity& record,
                                           std::optional<Instant> as_of) const {
  resolve::EntityReader reader(state_->context);
  UNIRUST_ASSIGN_OR_RETURN(const resolve::Entity entity, resolve::EntityOfRecord(reader, record));
  UNIRUST_ASSIGN_OR_RETURN(EntityView view, reader.View(entity));
  if (as_of) {
    RestrictTo(*as_of, &view.golden);
    for (RecordView& member : view.records) RestrictTo(*as_of, &member.record.descriptors);
  }
  return view;
}

absl::StatusOr<QueryOutcome> View::Query(const std::vector<AttributeValue>& pairs,
                                         Interval interval) const {
  return resolve::Query(state_->context, pairs, interval);
}

absl::StatusOr<Page<Match>> View::FindEntities(const std::vector<AttributeValue>& pairs,
                                               Interval interval, size_t page_size,
                                               std::string_view cursor) const {
  return resolve::FindEntities(state_->context, pairs, interval, PageSize(page_size), cursor);
}

absl::StatusOr<Page<RecordView>> View::ScanRecords(const RecordFilter& filter, size_t page_size,
                                                   std::string_view cursor) const {
  return resolve::ScanRecords(state_->context, filter, PageSize(page_size), cursor);
}

absl::StatusOr<Page<Conflict>> View::ListConflicts(const ConflictFilter& filter, size_t page_size,
                                                   std::string_view cursor) const {
  return resolve::ListConflicts(state_->context, filter, PageSize(page_size), cursor);
}

absl::StatusOr<std::string> View::ExportGraph(const GraphFilter& filter, size_t page_size,
                                              std::string_view cursor, GraphSink* page) const {
  if (filter.entities.empty()) {
    return NextOfGraph(*state_, filter.parts, page_size, cursor, page);
  }
  if (!cursor.empty()) {
    return absl::InvalidArgumentError("cursor: a neighbourhood is one page and gives no cursor");
  }
  UNIRUST_RETURN_IF_ERROR(
      resolve::Neighbourhood(state_->context, filter.entities, filter.parts, page));
  return std::string();
}

absl::StatusOr<View::RecordRange> View::ExportRecords(uint32_t start, uint32_t end,
                                                      size_t limit) const {
  RecordRange out;
  UNIRUST_ASSIGN_OR_RETURN(out.records, resolve::RecordsFrom(state_->context, start, end,
                                                             PageSize(limit), &out.next));
  return out;
}

std::span<const MissingPart> View::missing() const { return state_->context.reader.missing(); }

absl::StatusOr<RecordIdRange> View::GetRecordIdRange() const {
  UNIRUST_ASSIGN_OR_RETURN(RecordIdRange range, resolve::IdRange(state_->context));
  UNIRUST_ASSIGN_OR_RETURN(const StoreStats stats, GetStats());
  range.records = stats.records;
  return range;
}

absl::StatusOr<StoreStats> View::GetStats() const {
  store::CountersRow counters;
  std::string bytes;
  UNIRUST_ASSIGN_OR_RETURN(const bool found,
                           state_->context.reader.Get(store::Family::kMeta, kCountersKey, &bytes));
  if (found && !store::CountersRow::Decode(bytes, &counters)) {
    return store::Damaged(store::Family::kMeta, kCountersKey);
  }
  return StoreStats{
      .records = counters.records,
      .entities = counters.entities,
      .conflicts = counters.conflicts,
      .graph_edges = counters.records + counters.same_as + counters.conflicts_with};
}

absl::StatusOr<StoreDigest> View::GetDigest(absl::FunctionRef<bool(uint64_t)> go_on) const {
  return resolve::DigestOf(state_->context, go_on);
}

absl::StatusOr<RetentionStatus> View::GetRetention() const {
  const store::Reader& reader = state_->context.reader;
  RetentionStatus out;
  store::RetentionRow row;
  std::string bytes;
  UNIRUST_ASSIGN_OR_RETURN(const bool found,
                           reader.Get(store::Family::kMeta, kRetentionKey, &bytes));
  if (found && !store::RetentionRow::Decode(bytes, &row)) {
    return store::Damaged(store::Family::kMeta, kRetentionKey);
  }
  if (found) out.declared = row.declared;
  // Nothing is due before the declared instant; there may be traces of what was.
  const auto first = reader.Scan(store::Family::kExpiries,
                                 found ? store::ExpiryKey::Prefix(row.declared) : "", "");
  UNIRUST_RETURN_IF_ERROR(first->status());
  if (!first->Valid()) return out;
  const auto key = store::ExpiryKey::Decode(first->key());
  if (!key) return store::Damaged(store::Family::kExpiries, first->key());
  out.earliest_due = key->due;
  return out;
}

}  // namespace unirust::shard
