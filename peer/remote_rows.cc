#include "peer/remote_rows.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "base/limits.h"
#include "base/status_macros.h"
#include "peer/slot_messages.h"
#include "proto/status.h"

namespace unirust::peer {
namespace {

constexpr uint32_t kFirstPageRows = 32;

// Asks for pages as it is moved, the larger the further it goes in one direction. Waits for a page only when something
// of it is wanted: so several cursors that are made or moved together ask at the same time.
class RemoteCursor final : public store::Cursor {
 public:
  using From = proto::WalkRowsRequest;
  // What is called returns the page that was asked for when it is there.
  using Page = std::function<absl::Status(proto::WalkRowsResponse*)>;
  using Fetch = std::function<Page(const proto::WalkRowsRequest&)>;
  RemoteCursor(proto::WalkRowsRequest request, Fetch fetch)
      : request_(std::move(request)), fetch_(std::move(fetch)) {
    Ask(From::AT, request_.lower());
  }

  bool Valid() const override {
    Await();
    return status_.ok() && at_ < rows_.size();
  }
  std::string_view key() const override { return rows_[at_].first; }
  std::string_view value() const override { return rows_[at_].second; }
  void Next() override {
    Await();
    if (at_ + 1 < rows_.size()) {
      ++at_;
    } else if (last_) {
      at_ = rows_.size();
    } else {
      Ask(From::AFTER, std::string(key()));
    }
  }
  void Prev() override {
    Await();
    if (at_ > 0) {
      --at_;
    } else {
      Ask(From::BEFORE, std::string(key()));
    }
  }
  void Seek(std::string_view key) override {
    Await();
    const std::string wanted = std::max(std::string(key), request_.lower());
    if (status_.ok() && wanted >= from_ &&
        (last_ || (!rows_.empty() && wanted <= rows_.back().first))) {
      const auto row = std::lower_bound(
          rows_.begin(), rows_.end(), wanted,
          [](const Row& one, std::string_view sought) { return one.first < sought; });
      at_ = static_cast<size_t>(row - rows_.begin());
      return;
    }
    page_rows_ = kFirstPageRows;
    Ask(From::AT, wanted);
  }
  void SeekToLast() override {
    page_rows_ = kFirstPageRows;
    Ask(From::LAST, "");
  }
  absl::Status status() const override {
    Await();
    return status_;
  }

 private:
  using Row = std::pair<std::string, std::string>;

  void Ask(From::From from, const std::string& key) {
    request_.set_from(from);
    request_.set_key(key);
    request_.set_limit(page_rows_);
    page_rows_ = std::min<uint32_t>(4 * page_rows_, limits::kPartPageRowsMax);
    page_ = fetch_(request_);
  }

  void Await() const {
    if (!page_) return;
    proto::WalkRowsResponse response;
    rows_.clear();
    at_ = 0;
    status_ = std::exchange(page_, nullptr)(&response);
    if (!status_.ok()) return;
    if (response.keys_size() != response.values_size()) {
      status_ = absl::InternalError("a part answered with keys and values that are not as many");
      return;
    }
    for (int i = 0; i < response.keys_size(); ++i) {
      rows_.emplace_back(std::move(*response.mutable_keys(i)),
                         std::move(*response.mutable_values(i)));
    }
    const From::From from = request_.from();
    const bool back = from == From::BEFORE || from == From::LAST;
    if (back) {
      std::reverse(rows_.begin(), rows_.end());
      at_ = rows_.empty() ? 0 : rows_.size() - 1;
    }
    last_ = back ? from == From::LAST : response.end();
    from_ = back && !rows_.empty() ? rows_.front().first : request_.key();
    if (from == From::AFTER) from_ += '\0';
  }

  proto::WalkRowsRequest request_;
  const Fetch fetch_;
  uint32_t page_rows_ = kFirstPageRows;
  mutable Page page_;              // on its way; else null
  mutable std::vector<Row> rows_;  // a page, ascending
  mutable size_t at_ = 0;
  mutable std::string from_;   // no row from here on is missing up to the last of the page
  mutable bool last_ = false;  // nothing is behind the page
  mutable absl::Status status_;
};

}  // namespace

absl::Status OfCall(const grpc::Status& status, const std::string& where) {
  if (status.ok()) return absl::OkStatus();
  const std::string message = where + ": " + status.error_message();
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::CANCELLED:
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return absl::UnavailableError(message);
    default:
      return absl::Status(proto::FromGrpc(status).code(), message);
  }
}

std::unique_ptr<grpc::ClientContext> NewCall(uint64_t deadline_ms) {
  auto call = std::make_unique<grpc::ClientContext>();
  call->set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(deadline_ms));
  return call;
}

absl::Status RemoteState::Checked(const grpc::Status& status) const {
  absl::Status out = OfCall(status, where_);
  if (absl::IsUnavailable(out)) lost_ = true;
  return out;
}

absl::StatusOr<bool> RemoteState::Get(store::Family family, std::string_view key,
                                      std::string* value) const {
  const std::string wanted(key);
  bool found = false;
  UNIRUST_RETURN_IF_ERROR(MultiGet(family, {&wanted, 1}, [&](size_t, std::string_view bytes) {
    *value = std::string(bytes);
    found = true;
  }));
  return found;
}

absl::Status RemoteState::MultiGet(store::Family family, std::span<const std::string> keys,
                                   store::Reader::RowVisitor row) const {
  return BeginMultiGet(family, keys)(row);
}

// A call that streams its answer returns as soon as the question is sent.
store::Reader::State::RowsToCome RemoteState::BeginMultiGet(
    store::Family family, std::span<const std::string> keys) const {
  auto calls = std::make_shared<std::vector<RowsCall>>();
  for (size_t first = 0; first < keys.size(); first += limits::kPartPageRowsMax) {
    const auto some = keys.subspan(first, std::min(keys.size() - first, limits::kPartPageRowsMax));
    proto::GetRowsRequest request;
    *request.mutable_state() = state_;
    request.set_family(store::FamilyName(family));
    for (const std::string& key : some) request.add_keys(key);
    RowsCall& call = calls->emplace_back();
    call.first = first;
    call.count = some.size();
    call.context = NewCall();
    call.chunks = stub_->GetRows(call.context.get(), request);
  }
  return [this, calls](store::Reader::RowVisitor row) {
    absl::Status status;
    for (RowsCall& call : *calls) status.Update(EndCall(call, row));
    return status;
  };
}

absl::Status RemoteState::EndCall(RowsCall& call, store::Reader::RowVisitor row) const {
  absl::Status malformed;
  for (proto::GetRowsChunk chunk; call.chunks->Read(&chunk);) {
    for (int i = 0; i < chunk.positions_size(); ++i) {
      if (i >= chunk.values_size() || chunk.positions(i) >= call.count) {
        malformed = absl::InternalError(where_ + ": rows that were not asked for");
        continue;
      }
      row(call.first + chunk.positions(i), chunk.values(i));
    }
  }
  UNIRUST_RETURN_IF_ERROR(Checked(call.chunks->Finish()));
  return malformed;
}

uint64_t RemoteState::EstimateBytes(store::Family family, std::string_view lower,
                                    std::string_view upper) const {
  proto::EstimateRowsRequest request;
  *request.mutable_state() = state_;
  request.set_family(store::FamilyName(family));
  request.set_lower(std::string(lower));
  request.set_upper(std::string(upper));
  proto::EstimatedRows response;
  const grpc::Status status = stub_->EstimateRows(NewCall().get(), request, &response);
  return status.ok() ? response.bytes() : 0;  // whoever reads the range then sees the error
}

// There, so that only rows of these slots are sent.
absl::StatusOr<store::SlotRows> RemoteState::ReadSlots(const store::SlotQuery& query) const {
  proto::ReadSlotsRequest request;
  *request.mutable_state() = state_;
  ToProto(query, &request);
  proto::ReadSlotsResponse response;
  UNIRUST_RETURN_IF_ERROR(Checked(stub_->ReadSlots(NewCall().get(), request, &response)));
  absl::StatusOr<store::SlotRows> out = ToRows(response, query);
  if (!out.ok()) return absl::InternalError(where_ + ": " + std::string(out.status().message()));
  return out;
}

std::unique_ptr<store::Cursor> RemoteState::Scan(store::Family family, std::string lower,
                                                 std::string upper) const {
  proto::WalkRowsRequest request;
  request.set_family(store::FamilyName(family));
  request.set_lower(std::move(lower));
  request.set_upper(std::move(upper));
  return Walk(std::move(request));
}

std::unique_ptr<store::Cursor> RemoteState::ScanPrefix(store::Family family,
                                                       std::string_view prefix) const {
  proto::WalkRowsRequest request;
  request.set_family(store::FamilyName(family));
  request.set_lower(std::string(prefix));
  request.set_prefix(true);
  return Walk(std::move(request));
}

// As in BeginMultiGet.
std::unique_ptr<store::Cursor> RemoteState::Walk(proto::WalkRowsRequest request) const {
  struct PageCall {
    std::unique_ptr<grpc::ClientContext> context = NewCall();
    std::unique_ptr<grpc::ClientReader<proto::WalkRowsResponse>> page;
  };
  *request.mutable_state() = state_;
  return std::make_unique<RemoteCursor>(
      std::move(request), [self = shared_from_this()](const proto::WalkRowsRequest& asked) {
        const auto call = std::make_shared<PageCall>();
        call->page = self->stub_->WalkRows(call->context.get(), asked);
        return [self, call](proto::WalkRowsResponse* response) {
          const bool answered = call->page->Read(response);
          UNIRUST_RETURN_IF_ERROR(self->Checked(call->page->Finish()));
          if (answered) return absl::OkStatus();
          return absl::InternalError(self->where_ + ": no rows, and no reason");
        };
      });
}

}  // namespace unirust::peer
