// `canonical` and `jsonl`: the objects of semantics.md, section 11, sorted and as they come.
#include <cstring>
#include <string_view>
#include <utility>

#include "base/byte_buffer.h"
#include "base/status_macros.h"
#include "base/thread.h"
#include "cli/formats/format.h"
#include "cli/graph_lines.h"
#include "cli/line_sorter.h"

namespace unirust::cli {
namespace {

// Takes lines in one buffer while another is written, on a thread of its own.
class LineOutput {
 public:
  explicit LineOutput(std::unique_ptr<Output> out) : out_(std::move(out)) {}

  // Where lines are added; after each of them, Added.
  ByteBuffer* lines() { return &filling_; }
  absl::Status Added() {
    return filling_.size() < kWrittenAtOnce ? absl::OkStatus() : BeginWrite();
  }

  absl::Status Close() {
    UNIRUST_RETURN_IF_ERROR(BeginWrite());
    writer_.Join();
    return out_->Close();
  }

 private:
  static constexpr size_t kWrittenAtOnce = 512 * 1024;  // bytes

  absl::Status BeginWrite() {
    writer_.Join();
    UNIRUST_RETURN_IF_ERROR(out_->status());
    std::swap(filling_, writing_);
    filling_.CutTo(0);
    writer_ = Thread("write", [this] { out_->Write(writing_.view()); });
    return absl::OkStatus();
  }

  std::unique_ptr<Output> out_;
  ByteBuffer filling_;
  ByteBuffer writing_;
  Thread writer_;  // until it is joined, out_ and writing_ are its own
};

class JsonLinesWriter : public GraphWriter {
 public:
  explicit JsonLinesWriter(std::unique_ptr<Output> out) : out_(std::move(out)) {}

  absl::Status Add(std::string_view item) override {
    UNIRUST_RETURN_IF_ERROR(lines_.Append(item, out_.lines()));
    return out_.Added();
  }

  absl::Status Finish() override { return out_.Close(); }

 private:
  LineOutput out_;
  GraphLines lines_;
};

class CanonicalWriter : public GraphWriter {
 public:
  explicit CanonicalWriter(std::unique_ptr<Output> out) : out_(std::move(out)), sorter_({}) {}

  absl::Status Add(std::string_view item) override {
    line_.CutTo(0);
    UNIRUST_RETURN_IF_ERROR(lines_.Append(item, &line_));
    return sorter_.Add(line_.view().substr(0, line_.size() - 1));
  }

  absl::Status Finish() override {
    UNIRUST_RETURN_IF_ERROR(sorter_.Drain([this](std::string_view line) {
      char* const room = out_.lines()->Room(line.size() + 1);
      std::memcpy(room, line.data(), line.size());
      room[line.size()] = '\n';
      out_.lines()->EndAt(room + line.size() + 1);
      return out_.Added();
    }));
    return out_.Close();
  }

 private:
  LineOutput out_;
  LineSorter sorter_;
  GraphLines lines_;
  ByteBuffer line_;
};

}  // namespace

std::unique_ptr<GraphWriter> NewJsonLinesWriter(std::unique_ptr<Output> out) {
  return std::make_unique<JsonLinesWriter>(std::move(out));
}

std::unique_ptr<GraphWriter> NewCanonicalWriter(std::unique_ptr<Output> out) {
  return std::make_unique<CanonicalWriter>(std::move(out));
}

}  // namespace unirust::cli
