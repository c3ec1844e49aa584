// `canonical` and `jsonl`: the objects of semantics.md, section 11, sorted and as they come.
#include <string>
#include <utility>

#include "base/status_macros.h"
#include "cli/formats/format.h"
#include "cli/graph_lines.h"
#include "cli/line_sorter.h"

namespace unirust::cli {
namespace {

constexpr size_t kWrittenAtOnce = 256 * 1024;  // bytes

class JsonLinesWriter : public GraphWriter {
 public:
  explicit JsonLinesWriter(std::unique_ptr<Output> out) : out_(std::move(out)) {}

  absl::Status Add(std::string_view item) override {
    UNIRUST_RETURN_IF_ERROR(lines_.Append(item, &buffer_));
    return buffer_.size() < kWrittenAtOnce ? absl::OkStatus() : Write();
  }

  absl::Status Finish() override {
    UNIRUST_RETURN_IF_ERROR(Write());
    return out_->Close();
  }

 private:
  absl::Status Write() {
    out_->Write(buffer_.view());
    buffer_.CutTo(0);
    return out_->status();
  }

  std::unique_ptr<Output> out_;
  GraphLines lines_;
  ByteBuffer buffer_;
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
      out_->Write(line);
      out_->Write("\n");
      return out_->status();
    }));
    return out_->Close();
  }

 private:
  std::unique_ptr<Output> out_;
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
