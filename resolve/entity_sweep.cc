#include "resolve/entity_sweep.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/status_macros.h"

namespace unirust::resolve {
namespace {

// Records that are read together at first, and next: a page may need no more. Then so many times as many, as long as
// they are few for the memory there is.
constexpr uint64_t kRecordsAtFirst = 256;
constexpr uint64_t kFewRecords = 1024;
constexpr uint64_t kMoreRecordsEachTime = 16;

}  // namespace

EntitySweep::EntitySweep(const ReadContext& context, std::string_view after)
    : context_(context),
      batch_(std::make_unique<EntityBatch>(context)),
      next_(std::make_unique<EntityBatch>(context)),
      walked_(after),
      records_at_once_(kRecordsAtFirst) {
  Next();
}

void EntitySweep::Next() {
  entity_ = nullptr;
  if (++index_ >= batch_->size()) status_.Update(Turn());
  if (!status_.ok() || index_ == batch_->size()) return;
  const absl::StatusOr<const Entity*> entity = batch_->Get(index_, *names_);
  status_.Update(entity.status());
  if (entity.ok()) entity_ = *entity;
}

absl::Status EntitySweep::Turn() {
  if (!ahead_) read_ = Read();
  reader_.Join();
  ahead_ = false;
  UNIRUST_RETURN_IF_ERROR(read_);
  std::swap(batch_, next_);
  names_.emplace(*context_.interner);
  index_ = 0;
  if (batch_->records() >= kFewRecords || joins_next_ || join_ != nullptr) ReadAhead();
  return absl::OkStatus();
}

void EntitySweep::ReadAhead() {
  ahead_ = true;
  {
    MutexLock lock(mutex_);
    has_read_ = false;
  }
  reader_ = Thread("sweep", [this] {
    read_ = Read();
    MutexLock lock(mutex_);
    has_read_ = true;
    read_changed_.NotifyAll();
  });
}

bool EntitySweep::AwaitNext(uint64_t micros) {
  if (!ahead_ || index_ + 1 < batch_->size()) return true;
  const uint64_t end = SteadyClockMicros() + micros;
  MutexLock lock(mutex_);
  for (uint64_t now = end - micros; !has_read_ && now < end; now = SteadyClockMicros()) {
    read_changed_.WaitFor(mutex_, end - now);
  }
  return has_read_;
}

absl::Status EntitySweep::Read() {
  if (std::exchange(joins_next_, false)) {
    walk_.reset();
    next_ = std::make_unique<EntityBatch>(context_);  // the join needs the memory of the last one
    UNIRUST_ASSIGN_OR_RETURN(join_, EntityJoin::Make(context_, walked_, records_max_, leaving_));
  }
  return join_ != nullptr ? join_->Next(next_.get()) : ReadFew();
}

absl::Status EntitySweep::ReadFew() {
  for (bool fits = false; !fits;) {
    next_->Clear();
    if (!walk_) walk_.emplace(context_.reader, walked_);
    walked_all_ = false;
    while (next_->records() < records_at_once_ && !walked_all_) {
      walked_all_ = !walk_->Next(next_.get());
    }
    UNIRUST_RETURN_IF_ERROR(walk_->status());
    UNIRUST_ASSIGN_OR_RETURN(fits, next_->Load());
    if (!fits) {  // once more, from where the batch began
      walk_.reset();
      records_at_once_ =
          std::max<uint64_t>(std::min(records_at_once_, next_->records()) / 2, 1);
    }
  }
  walked_ = walk_->position();
  if (next_->size() == 0) return absl::OkStatus();
  const size_t bytes_of_record = next_->bytes() / next_->records() + 1;
  records_max_ = std::max<uint64_t>(next_->bytes_max() / 8 * 5 / bytes_of_record, 1);
  joins_next_ = !walked_all_ && records_at_once_ >= records_max_;
  const uint64_t more = records_at_once_ < kFewRecords ? kFewRecords
                                                       : records_at_once_ * kMoreRecordsEachTime;
  records_at_once_ = std::min(more, records_max_);
  return absl::OkStatus();
}

}  // namespace unirust::resolve
