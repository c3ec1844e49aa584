#include "resolve/entity_pages.h"

#include <utility>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/status_macros.h"

namespace unirust::resolve {

namespace {

// Another one if an item of it differs: of one version of a record retention only ever takes descriptors away.
uint64_t StateOf(const Entity& entity) {
  std::string state;
  for (size_t i = 0; i < entity.ids.size(); ++i) {
    AppendBig32(&state, entity.ids[i].value());
    AppendBigSigned64(&state, entity.records[i]->version);
    AppendBig64(&state, entity.records[i]->descriptors.size());
  }
  return Hash64(state);
}

}  // namespace

EntityPages::EntityPages(const ReadContext& context, std::set<GraphPart> wanted,
                         std::string_view position)
    : context_(context), wanted_(std::move(wanted)), items_(*context.rules) {
  ByteReader in(position);  // cursors are checked as a whole
  if (!position.empty()) {
    through_ = in.String();
    taken_ = in.Varint();
    if (taken_ > 0) taken_of_ = in.Big64();
  }
  sweep_.emplace(context, through_);
}

absl::StatusOr<bool> EntityPages::Fill(PageBudget* budget, GraphSink* page) {
  constexpr uint64_t kPatienceMicros = 100'000;  // for the next entities: whoever left is to be noticed
  WorkingSet groups(context_.reader, *context_.rules);
  while (sweep_->Valid()) {
    if (is_through_) {
      if (!sweep_->AwaitNext(kPatienceMicros)) return true;
      sweep_->Next();
      is_through_ = false;
      continue;
    }
    if (!begun_) {
      if (budget->Spent()) return true;
      UNIRUST_RETURN_IF_ERROR(Begin(budget, groups));
    }
    UNIRUST_ASSIGN_OR_RETURN(const bool more, FillFromEntity(budget, page));
    if (more) return true;
    begun_ = false;
    is_through_ = true;
    through_ = sweep_->position();
    taken_ = 0;
  }
  UNIRUST_RETURN_IF_ERROR(sweep_->status());
  return false;
}

absl::Status EntityPages::Begin(PageBudget* budget, WorkingSet& groups) {
  const Entity& entity = sweep_->entity();
  for (const RecordRow* record : entity.records) budget->Read(TextBytes(*record));
  UNIRUST_RETURN_IF_ERROR(items_.Begin(entity, wanted_, groups, sweep_->names()));
  begun_ = true;
  if (taken_of_ && *taken_of_ != StateOf(entity)) taken_ = 0;
  taken_of_.reset();
  return absl::OkStatus();
}

absl::StatusOr<bool> EntityPages::FillFromEntity(PageBudget* budget, GraphSink* page) {
  for (; taken_ < items_.size(); ++taken_) {
    const size_t bytes = items_.Add(taken_, "", sweep_->names(), page);
    UNIRUST_RETURN_IF_ERROR(sweep_->names().status());
    if (budget->Take(bytes)) continue;
    page->TakeBack();
    return true;
  }
  return false;
}

std::string EntityPages::position() const {
  std::string out;
  AppendString(&out, through_);
  AppendVarint(&out, taken_);
  if (taken_ > 0) AppendBig64(&out, StateOf(sweep_->entity()));
  return out;
}

}  // namespace unirust::resolve
