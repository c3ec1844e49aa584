#include "shard/committer.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/fault_point.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "resolve/evidence.h"
#include "resolve/retention.h"
#include "shard/meta_keys.h"
#include "shard/retry_delay.h"

namespace unirust::shard {
namespace {

using resolve::RecordState;
using resolve::WorkingSet;
using store::Family;

// Descriptors of one key's attributes in stored form; the others do not matter to the key.
absl::StatusOr<std::vector<store::StoredDescriptor>> KeyDescriptors(
    const Write& write, const ontology::IdentityKey& key, interner::Interner& interner) {
  std::vector<store::StoredDescriptor> out;
  for (const Descriptor& d : write.descriptors) {
    if (std::find(key.attributes.begin(), key.attributes.end(), d.attribute) ==
        key.attributes.end()) {
      continue;
    }
    UNIRUST_ASSIGN_OR_RETURN(const auto symbol, interner.Find(d.attribute));
    if (symbol) out.push_back({*symbol, d.value, d.interval});
  }
  return out;
}

// semantics.md, 4.1. Descriptors are normalized.
absl::Status CheckKeyInstances(const Write& write, const Config& config,
                               interner::Interner& interner) {
  if (write.descriptors.size() <= 2) return absl::OkStatus();
  for (size_t i = 0; i < config.ontology.identity_keys.size(); ++i) {
    const ontology::IdentityKey& key = config.ontology.identity_keys[i];
    if (!ontology::Applies(key.entity_types, write.identity.entity_type)) continue;
    size_t combinations = 1;  // an upper bound of the instances of the key and of its first attributes
    for (const std::string& attribute : key.attributes) {
      const auto count = static_cast<size_t>(
          std::count_if(write.descriptors.begin(), write.descriptors.end(),
                        [&](const Descriptor& d) { return d.attribute == attribute; }));
      combinations =
          std::min(combinations * std::max(count, size_t{1}), limits::kKeyInstancesMax + 1);
    }
    if (combinations <= limits::kKeyInstancesMax) continue;
    UNIRUST_ASSIGN_OR_RETURN(const auto descriptors, KeyDescriptors(write, key, interner));
    UNIRUST_RETURN_IF_ERROR(
        resolve::KeyInstances(config.rules.keys()[i], descriptors, config.rules).status());
  }
  return absl::OkStatus();
}

absl::Status At(size_t position, const Write& write, const absl::Status& status) {
  return absl::Status(status.code(), "records[" + std::to_string(position) + "] " +
                                         RecordName(write.identity) + ": " +
                                         std::string(status.message()));
}

uint64_t MemoryOf(const std::vector<Write>& writes) {
  uint64_t bytes = writes.capacity() * sizeof(Write);
  for (const Write& write : writes) {
    bytes += write.identity.entity_type.size() + write.identity.perspective.size() +
             write.identity.uid.size() + write.descriptors.capacity() * sizeof(Descriptor);
    for (const Descriptor& d : write.descriptors) bytes += d.attribute.size() + d.value.size();
  }
  return bytes;
}

// `entities` of a batch, in any order and number.
void CountEntities(std::vector<store::BlockName> entities, WorkingSet& rows, Metrics& metrics) {
  std::sort(entities.begin(), entities.end());
  entities.erase(std::unique(entities.begin(), entities.end()), entities.end());
  for (const store::BlockName entity : entities) {
    metrics.entity_records.Add(store::IsRecord(entity) ? 1 : rows.Block(entity).now().records);
  }
}

// The groups that a batch changed.
void CountGroups(WorkingSet& rows, Metrics& metrics) {
  for (const auto& [key, group] : rows.groups()) {
    if (group.added.empty() && group.removed.empty() && !group.row.Changed()) continue;
    const store::GroupRow& row = group.row.now();
    metrics.group_pieces.Add(resolve::PieceCount(row));
    if (row.divided) ++metrics.contested_groups;
    if (rows.IsGeneric(group)) ++metrics.generic_groups;
  }
}

}  // namespace

absl::Status CheckWrites(const std::vector<Write>& writes, const Config& config,
                         interner::Interner& interner) {
  for (size_t i = 0; i < writes.size(); ++i) {
    const absl::Status status = CheckKeyInstances(writes[i], config, interner);
    if (!status.ok()) return At(i, writes[i], status);
  }
  return absl::OkStatus();
}

Committer::~Committer() {
  {
    MutexLock lock(queue_mutex_);
    stopping_ = true;
  }
  queue_changed_.NotifyAll();
  resolver_.Join();
  {
    MutexLock lock(write_mutex_);
    resolved_all_ = true;
  }
  write_changed_.NotifyAll();
  writer_.Join();
}

absl::Status Committer::Start() {
  const store::Reader latest = store_.Latest();
  std::string bytes;
  auto config = std::make_shared<Config>();
  UNIRUST_ASSIGN_OR_RETURN(bool found, latest.Get(Family::kMeta, kOntologyKey, &bytes));
  if (found) {
    UNIRUST_ASSIGN_OR_RETURN(config->ontology, ontology::Unarchive(bytes));
  }
  store::Batch symbols;
  UNIRUST_ASSIGN_OR_RETURN(config->rules,
                           resolve::Rules::Compile(config->ontology, interner_, symbols));
  UNIRUST_ASSIGN_OR_RETURN(found, latest.Get(Family::kMeta, kCountersKey, &bytes));
  {
    MutexLock lock(resolving_);
    if (found && !store::CountersRow::Decode(bytes, &counters_)) {
      return store::Damaged(Family::kMeta, kCountersKey);
    }
    records_ = counters_.records;
    store::RetentionRow retention;
    UNIRUST_ASSIGN_OR_RETURN(found, latest.Get(Family::kMeta, kRetentionKey, &bytes));
    if (found && !store::RetentionRow::Decode(bytes, &retention)) {
      return store::Damaged(Family::kMeta, kRetentionKey);
    }
    if (found) retention_ = retention.declared;
    UNIRUST_ASSIGN_OR_RETURN(erasures_, latest.ReadErasures());
  }
  {
    MutexLock lock(state_);
    config_ = std::move(config);
    generation_ = latest.generation();
  }
  writer_ = Thread("write", [this] { WriteLoop(); });
  resolver_ = Thread("resolve", [this] { ResolveLoop(); });
  return absl::OkStatus();
}

uint64_t Committer::QueuedRecords() const {
  MutexLock lock(queue_mutex_);
  return lanes_.records();
}

uint64_t Committer::QueuedBytes(Lane lane) const {
  MutexLock lock(queue_mutex_);
  return lanes_.bytes(lane);
}

std::shared_ptr<const Config> Committer::config() const {
  MutexLock lock(state_);
  return config_;
}

// A snapshot may take long where a part of the store does not answer: the lock is not held meanwhile. Between a switch
// of generations and the ontology that belongs to it there is nothing but that assignment.
Committer::State Committer::Read() const {
  while (true) {
    uint64_t resets = 0;
    {
      MutexLock lock(state_);
      resets = resets_;
    }
    store::Reader reader = store_.Snapshot();
    const uint64_t generation = reader.generation();
    MutexLock lock(state_);
    while (generation != store::kNoGeneration && generation > generation_) switched_.Wait(state_);
    if (generation >= generation_ && resets == resets_) return {config_, std::move(reader)};
  }
}

// --- ingest --------------------------------------------------------------------------------------------

struct Ingestion::State {
  Committer* committer = nullptr;
  Committer::Request request;
};

Ingestion::Ingestion(std::unique_ptr<State> state) : state_(std::move(state)) {}
Ingestion::Ingestion(Ingestion&&) noexcept = default;
Ingestion::~Ingestion() {
  if (state_ != nullptr) state_->committer->Await(state_->request);
}

absl::StatusOr<std::vector<Assignment>> Ingestion::Await() {
  state_->committer->Await(state_->request);
  UNIRUST_RETURN_IF_ERROR(state_->request.status);
  return std::move(state_->request.assignments);
}

bool Ingestion::certain() const { return state_->request.certain; }

absl::StatusOr<Ingestion> Committer::Submit(std::vector<Write> writes, Lane lane,
                                            std::shared_ptr<void> held) {
  if (writes.size() > limits::kRecordsPerRequestMax) {
    return absl::InvalidArgumentError(
        std::to_string(writes.size()) + " records in one request, at most " +
        std::to_string(limits::kRecordsPerRequestMax) + " are allowed: send several requests");
  }
  for (size_t i = 0; i < writes.size(); ++i) {
    const absl::Status status = Check(writes[i]);
    if (!status.ok()) return At(i, writes[i], status);
    Normalize(writes[i].descriptors);  // only now: it would hide an empty interval inside another
  }
  auto state = std::make_unique<Ingestion::State>();
  state->committer = this;
  Request& request = state->request;
  request.checked_under = config();
  UNIRUST_RETURN_IF_ERROR(CheckWrites(writes, *request.checked_under, interner_));
  request.writes = std::move(writes);
  request.done = request.writes.empty();
  if (request.done) return Ingestion(std::move(state));
  request.bytes = MemoryOf(request.writes);
  request.held = std::move(held);
  MutexLock lock(queue_mutex_);
  if (lane == Lane::kStreams) {
    AwaitRoom(request.bytes);
  } else if (!lanes_.HasRoom(lane, request.bytes)) {
    return Busy(std::to_string(lanes_.records()) +
                    " records wait for a commit already: send again a little later",
                limits::kRetryAfterMs);
  }
  // Each write adds a record at most, and what is resolved and not answered counts twice.
  unanswered_records_ += request.writes.size();
  request.certain = records_ + unanswered_records_ <= records_max_;
  request.queued_micros = SteadyClockMicros();
  lanes_.Add(lane, &request);
  queue_changed_.NotifyOne();
  return Ingestion(std::move(state));
}

// In the order of arrival: a large request comes in between small ones, too.
void Committer::AwaitRoom(uint64_t bytes) {
  const uint64_t number = line_.Join();
  while (!line_.IsFirst(number) || !lanes_.HasRoom(Lane::kStreams, bytes)) {
    queue_has_room_.Wait(queue_mutex_);
  }
  line_.Leave();
  queue_has_room_.NotifyAll();
}

// Of a request without writes, which takes no room.
void Committer::Enqueue(Request& request) {
  request.queued_micros = SteadyClockMicros();
  MutexLock lock(queue_mutex_);
  lanes_.Add(Lane::kUnary, &request);
  queue_changed_.NotifyOne();
}

void Committer::Await(Request& request) {
  MutexLock lock(queue_mutex_);
  while (!request.done) request.answered.Wait(queue_mutex_);
}

void Committer::ResolveLoop() {
  GiveWay();
  while (true) {
    std::vector<Request*> requests = Gather();
    if (requests.empty()) return;
    FaultPoint("commit.gathered");
    if (requests.front()->work) {
      Work(*requests.front());
    } else {
      Resolve(std::move(requests));
    }
  }
}

void Committer::WriteLoop() {
  GiveWay();
  MutexLock lock(write_mutex_);
  while (true) {
    while (!to_write_ && !resolved_all_) write_changed_.Wait(write_mutex_);
    if (!to_write_) return;
    Resolved& resolved = *to_write_;
    write_mutex_.Unlock();
    WriteOut(resolved);
    write_mutex_.Lock();
    to_write_.reset();
    write_changed_.NotifyAll();
  }
}

void Committer::WriteOut(Resolved& resolved) {
  const uint64_t start = SteadyClockMicros();
  resolve::AddRows(*resolved.rows, resolve::Scope::kAll, &resolved.batch);
  FaultPoint("commit.before_write");
  store_.Commit(std::move(resolved.batch));
  const absl::Status complete = store_.CheckComplete();
  const uint64_t micros = SteadyClockMicros() - start;
  metrics_.write.Add(micros);
  if (IsSlow(resolved.resolve_micros + micros)) {
    Log(LogLevel::kWarning, "slow commit",
        {{"requests", uint64_t{resolved.requests.size()}},
         {"records", resolved.records},
         {"resolve_ms", static_cast<double>(resolved.resolve_micros) / 1000},
         {"write_ms", static_cast<double>(micros) / 1000}});
  }
  interner_.Committed(resolved.last_symbol);
  FaultPoint("commit.before_answer");
  Answer(resolved.requests, complete);
  resolved.retired.reset();
}

// One batch waits or is written at a time: more would only lengthen the answers.
void Committer::HandOver(Resolved resolved) {
  const uint64_t start = SteadyClockMicros();
  MutexLock lock(write_mutex_);
  while (to_write_) write_changed_.Wait(write_mutex_);
  metrics_.handover.Add(SteadyClockMicros() - start);  // before the batch can be answered
  to_write_ = std::move(resolved);
  write_changed_.NotifyAll();
}

void Committer::AwaitWritten() {
  MutexLock lock(write_mutex_);
  while (to_write_) write_changed_.Wait(write_mutex_);
}

absl::Status Committer::AwaitComplete() {
  AwaitWritten();
  return store_.CheckComplete();
}

// What the requests took goes here, without the lock, not when their clients have read the answers: the writes, then
// what was held for them.
void Committer::Answer(const std::vector<Request*>& requests, const absl::Status& status) {
  std::vector<std::shared_ptr<void>> held;
  std::vector<std::vector<Write>> writes;
  held.reserve(requests.size());
  writes.reserve(requests.size());
  MutexLock lock(queue_mutex_);
  for (Request* request : requests) {
    if (request->status.ok()) request->status = status;
    unanswered_records_ -= request->writes.size();
    held.push_back(std::move(request->held));
    writes.push_back(std::move(request->writes));
    request->done = true;
    request->answered.NotifyOne();  // while it cannot go: whoever waits for it needs the mutex
  }
}

// Waits for requests. What the quota may refuse has a commit of its own: it is kept or dropped as a whole. Empty: stop.
std::vector<Committer::Request*> Committer::Gather() {
  MutexLock lock(queue_mutex_);
  while (lanes_.empty() && !stopping_) queue_changed_.Wait(queue_mutex_);
  const size_t waiting = lanes_.records();
  std::vector<Request*> out = lanes_.TakeCommit(shares_.commit_records);
  const size_t records = waiting - lanes_.records();
  queue_has_room_.NotifyAll();
  const uint64_t now = SteadyClockMicros();
  for (const Request* request : out) metrics_.queue.Add(now - request->queued_micros);
  if (records > 0) metrics_.commit_records.Add(records);
  return out;
}

absl::Status Committer::InTurn(std::function<absl::Status()> work) {
  Request request;
  request.work = std::move(work);
  Enqueue(request);
  Await(request);
  return request.status;
}

void Committer::Work(Request& request) {
  MutexLock lock(resolving_);
  absl::Status status = AwaitComplete();
  if (status.ok()) status = request.work();
  Answer({&request}, status);
}

// `counters`: as the commit would leave them.
absl::Status Committer::CheckQuota(const store::CountersRow& counters) {
  const uint64_t allowed = records_max_;
  if (counters.records <= allowed || counters.records <= counters_.records) {
    return absl::OkStatus();
  }
  ++metrics_.refused_by_quota;
  return absl::ResourceExhaustedError("the quota of " + std::to_string(allowed) +
                                      " records: this would make " +
                                      std::to_string(counters.records) + " of " +
                                      std::to_string(counters_.records));
}

void Committer::Resolve(std::vector<Request*> requests) {
  MutexLock lock(resolving_);
  const uint64_t start = SteadyClockMicros();
  const std::shared_ptr<const Config> config = this->config();
  const interner::SymbolId last_symbol = interner_.Last();
  auto rows = std::make_shared<WorkingSet>(store_.Latest(), config->rules, last_rows_,
                                           [this] { return AwaitComplete(); });
  Resolved resolved{.rows = rows,
                    .batch = {},
                    .requests = std::move(requests),
                    .last_symbol = {},
                    .records = 0,
                    .resolve_micros = 0,
                    .retired = {}};
  store::CountersRow counters = counters_;
  Advance* const advance = resolved.requests.front()->advance;
  Erasure* const erasure = resolved.requests.front()->erasure;
  absl::Status status = store_.CheckComplete();
  if (status.ok() && advance != nullptr) {
    status = ResolveAdvance(*advance, config, *rows, counters, resolved.batch);
  } else if (status.ok() && erasure != nullptr) {
    status = ResolveErasure(*erasure, *rows, counters, resolved.batch);
  } else if (status.ok()) {
    status = ResolveBatch(resolved.requests, *config, *rows, counters, resolved.batch);
  }
  if (!rows->status().ok()) status = rows->status();  // what else failed followed from that
  if (!status.ok()) {  // refused, or a read failed: nothing of these requests is kept
    interner_.Abandoned(last_symbol);
    return Answer(resolved.requests, status);
  }
  if (resolved.batch.empty() && !rows->HasWrites()) {
    // Nothing to write; but what the answers tell of may still be on its way.
    return Answer(resolved.requests, AwaitComplete());
  }
  CountGroups(*rows, metrics_);
  resolved.batch.Put(Family::kMeta, kCountersKey, counters.Encode());
  resolved.last_symbol = interner_.Last();
  for (const Request* request : resolved.requests) resolved.records += request->writes.size();
  if (advance != nullptr) resolved.records = advance->commit_records;
  rows->ForgetPrevious();
  resolved.retired = std::exchange(last_rows_, std::move(rows));
  counters_ = counters;
  records_ = counters.records;
  resolved.resolve_micros = SteadyClockMicros() - start;
  metrics_.resolve.Add(resolved.resolve_micros);
  if (advance != nullptr) retention_ = advance->done.declared;
  if (erasure != nullptr) erasures_ = erasure->after;
  FaultPoint("commit.resolved");
  HandOver(std::move(resolved));
  last_config_ = config;
}

absl::Status Committer::ResolveBatch(const std::vector<Request*>& requests, const Config& config,
                                     WorkingSet& rows, store::CountersRow& counters,
                                     store::Batch& batch) {
  std::vector<RecordId> ids;
  for (const Request* request : requests) {
    for (const Write& write : request->writes) {
      const Identity& identity = write.identity;
      ids.push_back(
          store::FirstAddress(identity.entity_type, identity.perspective, identity.uid).Id());
    }
  }
  rows.PreloadRecords(ids);
  std::vector<Request*> accepted;
  for (Request* request : requests) {
    if (request->checked_under.get() != &config) {  // the ontology changed while it waited
      request->status = CheckWrites(request->writes, config, interner_);
      if (!request->status.ok()) continue;
    }
    UNIRUST_RETURN_IF_ERROR(Apply(*request, rows, batch));
    accepted.push_back(request);
  }
  UNIRUST_RETURN_IF_ERROR(resolve::Resolve(rows, interner_, &counters, &batch));
  if (!requests.front()->certain) UNIRUST_RETURN_IF_ERROR(CheckQuota(counters));
  std::vector<store::BlockName> entities;
  for (Request* request : accepted) UNIRUST_RETURN_IF_ERROR(Assign(*request, rows, &entities));
  CountEntities(std::move(entities), rows, metrics_);
  return rows.status();
}

absl::Status Committer::Apply(Request& request, WorkingSet& rows, store::Batch& batch) {
  request.assignments.reserve(request.writes.size());
  for (Write& write : request.writes) {
    UNIRUST_ASSIGN_OR_RETURN(Assignment assignment, ApplyWrite(write, rows, batch));
    request.assignments.push_back(std::move(assignment));
  }
  return rows.status();
}

// semantics.md, 2. Takes the values out of the write.
absl::StatusOr<Assignment> Committer::ApplyWrite(Write& write, WorkingSet& rows,
                                                 store::Batch& batch) {
  UNIRUST_ASSIGN_OR_RETURN(const auto type, interner_.Intern(write.identity.entity_type, batch));
  UNIRUST_ASSIGN_OR_RETURN(const auto perspective,
                           interner_.Intern(write.identity.perspective, batch));
  UNIRUST_ASSIGN_OR_RETURN(const RecordId id, rows.PlaceRecord(write.identity, type, perspective));
  RecordState& record = rows.Record(id);
  const bool known = record.stored || record.written;
  const store::RecordRow& old = record.row.now();
  const int64_t version = write.version.value_or(old.version);
  if (known && version < old.version) {
    return Assignment{.record = id, .entity = {}, .entity_name = {},
                      .outcome = WriteOutcome::kStale, .version = old.version};
  }
  std::vector<store::StoredDescriptor> descriptors;
  if (!write.retract) {
    descriptors.reserve(write.descriptors.size());
    for (Descriptor& d : write.descriptors) {
      UNIRUST_ASSIGN_OR_RETURN(const auto attribute, interner_.Intern(d.attribute, batch));
      descriptors.push_back({attribute, std::move(d.value), d.interval});
    }
    if (retention_) {
      resolve::RemoveExpired(type, perspective, rows.rules(), *retention_, &descriptors);
    }
  }
  const bool same = known && record.live_now == !write.retract &&
                    (!record.live_now || descriptors == old.descriptors);
  if (!same || version != old.version) {
    store::RecordRow& row = record.row.Edit();
    row.entity_type = type;
    row.perspective = perspective;
    row.uid = write.identity.uid;
    row.version = version;
    row.retracted = write.retract;
    if (!write.retract) row.successor = RecordId();
    row.descriptors = std::move(descriptors);
    record.live_now = !write.retract;
    record.signature_now.reset();
    record.written = true;
  }
  return Assignment{.record = id, .entity = {}, .entity_name = {},
                    .outcome = same ? WriteOutcome::kUnchanged : WriteOutcome::kApplied,
                    .version = version};
}

absl::Status Committer::Assign(Request& request, WorkingSet& rows,
                               std::vector<store::BlockName>* entities) {
  for (size_t i = 0; i < request.writes.size(); ++i) {
    Assignment& assignment = request.assignments[i];
    if (!rows.Record(assignment.record).live_now) continue;
    const auto entity =
        rows.BlockNow(store::NameOf(assignment.record), rows.rules().levels());
    entities->push_back(entity);
    const resolve::FirstRecord first = rows.FirstNow(entity);
    UNIRUST_ASSIGN_OR_RETURN(const std::string perspective, interner_.Text(first.perspective));
    assignment.entity = first.id;
    assignment.entity_name =
        RecordName(request.writes[i].identity.entity_type, perspective, first.uid);
  }
  return rows.status();
}

}  // namespace unirust::shard
