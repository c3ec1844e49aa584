// `canonical` and `jsonl`: the objects of semantics.md, section 11, sorted and as they come.
#include <string>
#include <utility>

#include "base/status_macros.h"
#include "cli/formats/format.h"
#include "cli/line_sorter.h"
#include "cli/objects.h"

namespace unirust::cli {
namespace {

class JsonLinesWriter : public GraphWriter {
 public:
  explicit JsonLinesWriter(std::unique_ptr<Output> out) : out_(std::move(out)) {}

  absl::Status Add(const proto::GraphItem& item) override {
    line_ = ItemLine(item, std::move(line_));
    out_->Write(line_ += '\n');
    return out_->status();
  }

  absl::Status Finish() override { return out_->Close(); }

 private:
  std::unique_ptr<Output> out_;
  std::string line_;  // the last one
};

class CanonicalWriter : public GraphWriter {
 public:
  explicit CanonicalWriter(std::unique_ptr<Output> out) : out_(std::move(out)), sorter_({}) {}

  absl::Status Add(const proto::GraphItem& item) override {
    line_ = ItemLine(item, std::move(line_));
    return sorter_.Add(line_);
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
  std::string line_;  // the last one
};

}  // namespace

std::unique_ptr<GraphWriter> NewJsonLinesWriter(std::unique_ptr<Output> out) {
  return std::make_unique<JsonLinesWriter>(std::move(out));
}

std::unique_ptr<GraphWriter> NewCanonicalWriter(std::unique_ptr<Output> out) {
  return std::make_unique<CanonicalWriter>(std::move(out));
}

}  // namespace unirust::cli
