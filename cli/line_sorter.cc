#include "cli/line_sorter.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/files.h"
#include "base/mutex.h"
#include "base/scratch_file.h"
#include "base/status_macros.h"

namespace unirust::cli {
namespace {

constexpr size_t kFileBufferBytes = 64 * 1024;
constexpr size_t kComparedWhole = 8;      // lines: fewer are not worth another round
constexpr size_t kAgreedBytesMax = 512;  // bounds the rounds for lines that are equal

using EmitLine = std::function<absl::Status(std::string_view)>;

// How many bytes two texts have in common, at most `limit`; both are as long.
size_t CommonBytes(const char* a, const char* b, size_t limit) {
  size_t i = 0;
  for (; i + sizeof(uint64_t) <= limit; i += sizeof(uint64_t)) {
    if (std::memcmp(a + i, b + i, sizeof(uint64_t)) != 0) break;
  }
  while (i < limit && a[i] == b[i]) ++i;
  return i;
}

}  // namespace

// Reads the lines of a finished spill file one by one. The file is gone with the object.
class LineSorter::Run {
 public:
  explicit Run(std::unique_ptr<ScratchFile> file) : file_(std::move(file)) {}

  // Moves to the next line; false at the end.
  absl::StatusOr<bool> Next() {
    position_ += line_size_ + (started_ ? 1 : 0);
    started_ = true;
    for (size_t searched = 0;;) {
      const std::string_view rest = buffer_.view().substr(position_);
      if (const size_t newline = rest.find('\n', searched); newline != rest.npos) {
        line_size_ = newline;
        return true;
      }
      searched = rest.size();
      UNIRUST_ASSIGN_OR_RETURN(const bool more, Fill());
      if (!more) return false;
    }
  }

  // Leaves memory to others until it is read. Waits until the disk has it.
  absl::Status PutAway() { return file_->PutAway(); }

  std::string_view line() const { return buffer_.view().substr(position_, line_size_); }
  uint64_t prefix() const { return HeadOf(line()); }

 private:
  // Drops what was read and appends a block of the file; false at its end.
  absl::StatusOr<bool> Fill() {
    const size_t kept = buffer_.size() - position_;
    if (kept > 0) std::memmove(buffer_.data(), buffer_.data() + position_, kept);
    buffer_.CutTo(kept);
    position_ = 0;
    char* const room = buffer_.Room(kFileBufferBytes);
    UNIRUST_ASSIGN_OR_RETURN(const size_t got, file_->Read(read_, {room, kFileBufferBytes}));
    buffer_.EndAt(room + got);
    read_ += got;
    return got > 0;
  }

  const std::unique_ptr<ScratchFile> file_;
  uint64_t read_ = 0;  // of it
  ByteBuffer buffer_;
  size_t position_ = 0;
  size_t line_size_ = 0;
  bool started_ = false;
};

class LineSorter::Writer {
 public:
  explicit Writer(std::unique_ptr<ScratchFile> file) : file_(std::move(file)) {}

  absl::Status Add(std::string_view line) {
    buffer_.append(line);
    buffer_.push_back('\n');
    return buffer_.size() < kFileBufferBytes ? absl::OkStatus() : Flush();
  }

  absl::StatusOr<std::unique_ptr<Run>> Finish() {
    UNIRUST_RETURN_IF_ERROR(Flush());
    return std::make_unique<Run>(std::move(file_));
  }

 private:
  absl::Status Flush() {
    UNIRUST_RETURN_IF_ERROR(file_->Append(buffer_));
    buffer_.clear();
    return absl::OkStatus();
  }

  std::unique_ptr<ScratchFile> file_;
  std::string buffer_;
};

namespace {

// Merges sorted sources (anything with Next, line and prefix) into `emit`.
template <typename Source>
absl::Status Merge(const std::vector<Source*>& sources, const EmitLine& emit) {
  struct Head {
    uint64_t prefix;
    Source* source;
  };
  const auto later = [](const Head& a, const Head& b) {
    if (a.prefix != b.prefix) return a.prefix > b.prefix;
    return a.source->line() > b.source->line();
  };
  std::vector<Head> heap;
  for (Source* source : sources) {
    UNIRUST_ASSIGN_OR_RETURN(const bool more, source->Next());
    if (more) heap.push_back({source->prefix(), source});
  }
  std::make_heap(heap.begin(), heap.end(), later);
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), later);
    Head& head = heap.back();
    UNIRUST_RETURN_IF_ERROR(emit(head.source->line()));
    UNIRUST_ASSIGN_OR_RETURN(const bool more, head.source->Next());
    if (more) {
      head.prefix = head.source->prefix();
      std::push_heap(heap.begin(), heap.end(), later);
    } else {
      heap.pop_back();
    }
  }
  return absl::OkStatus();
}

}  // namespace

// Merges runs on a thread of its own, some lines ahead of their reader.
class LineSorter::MergeAhead {
 public:
  explicit MergeAhead(std::vector<Run*> runs)
      : merger_("merge", [this, runs = std::move(runs)] {
          absl::Status status = Merge(runs, [this](std::string_view line) { return Take(line); });
          status.Update(HandOn());
          MutexLock lock(mutex_);
          status_ = std::move(status);
          ended_ = true;
          changed_.NotifyAll();
        }) {}

  ~MergeAhead() {
    MutexLock lock(mutex_);
    left_ = true;
    changed_.NotifyAll();
  }

  // Moves to the next line; false at the end.
  absl::StatusOr<bool> Next() {
    rest_.remove_prefix(std::min(line_.size() + 1, rest_.size()));
    if (rest_.empty()) {
      MutexLock lock(mutex_);
      while (!ready_ && !ended_) changed_.Wait(mutex_);
      if (!ready_) {
        UNIRUST_RETURN_IF_ERROR(status_);
        return false;
      }
      lines_ = *std::move(ready_);
      ready_.reset();
      changed_.NotifyAll();
      rest_ = lines_.view();
    }
    line_ = rest_.substr(0, rest_.find('\n'));
    return true;
  }
  std::string_view line() const { return line_; }
  uint64_t prefix() const { return HeadOf(line_); }

 private:
  absl::Status Take(std::string_view line) {
    filling_.Append(line);
    filling_.Append("\n");
    return filling_.size() < kHandedOnAtOnce ? absl::OkStatus() : HandOn();
  }

  absl::Status HandOn() {
    if (filling_.size() == 0) return absl::OkStatus();
    MutexLock lock(mutex_);
    while (ready_ && !left_) changed_.Wait(mutex_);
    if (left_) return absl::CancelledError("nobody reads on");
    ready_ = std::exchange(filling_, {});
    changed_.NotifyAll();
    return absl::OkStatus();
  }

  static constexpr size_t kHandedOnAtOnce = 256 * 1024;  // bytes

  ByteBuffer lines_;       // the reader's
  std::string_view rest_;  // of them, from line_ on
  std::string_view line_;
  ByteBuffer filling_;  // the merger's
  Mutex mutex_;
  CondVar changed_;
  std::optional<ByteBuffer> ready_ ABSL_GUARDED_BY(mutex_);
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool left_ ABSL_GUARDED_BY(mutex_) = false;
  Thread merger_;  // joined before all else goes
};

LineSorter::LineSorter(Options options) : options_(std::move(options)) {
  if (options_.directory.empty()) options_.directory = ScratchDirectory();
  RaiseOpenFilesLimit();  // all files that are merged at once are open, beside those of a store
}

LineSorter::~LineSorter() = default;

absl::Status LineSorter::Add(std::string_view line) {
  const size_t used = filling_.bytes.size() + filling_.slots.size() * sizeof(Slot);
  if (!filling_.slots.empty() && used + line.size() + sizeof(Slot) > options_.buffer_bytes / 2) {
    UNIRUST_RETURN_IF_ERROR(BeginSpill());
  }
  if (filling_.slots.empty()) filling_.bytes.Room(options_.buffer_bytes / 2);  // does not grow later
  filling_.slots.push_back({0, filling_.bytes.size(), line.size()});
  filling_.bytes.Append(line);
  return absl::OkStatus();
}

absl::Status LineSorter::Drain(const EmitLine& emit) {
  spiller_.Join();
  UNIRUST_RETURN_IF_ERROR(spilled_);
  if (levels_.empty()) {
    filling_.Sort();
    for (const Slot& slot : filling_.slots) UNIRUST_RETURN_IF_ERROR(emit(filling_.Line(slot)));
    return absl::OkStatus();
  }
  UNIRUST_RETURN_IF_ERROR(Spill(&filling_));
  filling_ = Buffer();
  spilling_ = Buffer();
  constexpr size_t kMergers = 2;
  std::array<std::vector<Run*>, kMergers> runs;
  size_t count = 0;
  for (const auto& level : levels_) {
    for (const auto& run : level) runs[count++ % kMergers].push_back(run.get());
  }
  std::array<std::optional<MergeAhead>, kMergers> merged;
  std::vector<MergeAhead*> sources;
  for (size_t i = 0; i < kMergers; ++i) sources.push_back(&merged[i].emplace(std::move(runs[i])));
  return Merge(sources, emit);
}

size_t LineSorter::Buffer::Common(size_t agreed, std::span<const Slot> lines) const {
  const std::string_view first = Line(lines[0]);
  size_t common = first.size() - std::min(agreed, first.size());
  for (const Slot& slot : lines.subspan(1)) {
    const std::string_view line = Line(slot);
    common = std::min(common, line.size() - std::min(agreed, line.size()));
    if (common == 0) break;
    common = CommonBytes(first.data() + agreed, line.data() + agreed, common);
  }
  return common;
}

// By eight bytes at a time, as numbers, behind what all have in common: the lines of an export begin alike, so that
// comparing whole lines would go through their common beginnings again and again.
void LineSorter::Buffer::SortBehind(size_t agreed, std::span<Slot> lines) const {
  if (lines.size() < kComparedWhole || agreed >= kAgreedBytesMax) {
    std::sort(lines.begin(), lines.end(),
              [this](const Slot& a, const Slot& b) { return Line(a) < Line(b); });
    return;
  }
  agreed += Common(agreed, lines);
  for (Slot& slot : lines) {
    const std::string_view line = Line(slot);
    slot.prefix = HeadOf(line.substr(std::min(agreed, line.size())));
  }
  std::sort(lines.begin(), lines.end(),
            [](const Slot& a, const Slot& b) { return a.prefix < b.prefix; });
  for (size_t first = 0, last = 0; first < lines.size(); first = last) {
    while (last < lines.size() && lines[last].prefix == lines[first].prefix) ++last;
    if (last - first == 1) continue;
    SortBehind(agreed + sizeof(Slot::prefix), lines.subspan(first, last - first));
  }
}

absl::Status LineSorter::BeginSpill() {
  spiller_.Join();
  UNIRUST_RETURN_IF_ERROR(spilled_);
  std::swap(filling_, spilling_);
  spiller_ = Thread("spill", [this] { spilled_ = Spill(&spilling_); });
  return absl::OkStatus();
}

absl::Status LineSorter::Spill(Buffer* buffer) {
  buffer->Sort();
  UNIRUST_ASSIGN_OR_RETURN(auto writer, NewWriter());
  for (const Slot& slot : buffer->slots) UNIRUST_RETURN_IF_ERROR(writer->Add(buffer->Line(slot)));
  buffer->slots.clear();
  buffer->bytes.CutTo(0);
  UNIRUST_ASSIGN_OR_RETURN(auto run, writer->Finish());
  return AddRun(0, std::move(run));
}

absl::Status LineSorter::AddRun(size_t level, std::unique_ptr<Run> run) {
  if (levels_.size() <= level) levels_.resize(level + 1);
  if (!levels_[level].empty()) {  // the disk had time for that one
    UNIRUST_RETURN_IF_ERROR(levels_[level].back()->PutAway());
  }
  levels_[level].push_back(std::move(run));
  if (levels_[level].size() < options_.fan_in) return absl::OkStatus();
  UNIRUST_ASSIGN_OR_RETURN(auto writer, NewWriter());
  std::vector<Run*> runs;
  for (const auto& each : levels_[level]) runs.push_back(each.get());
  UNIRUST_RETURN_IF_ERROR(
      Merge(runs, [&writer](std::string_view line) { return writer->Add(line); }));
  levels_[level].clear();
  UNIRUST_ASSIGN_OR_RETURN(auto merged, writer->Finish());
  return AddRun(level + 1, std::move(merged));
}

absl::StatusOr<std::unique_ptr<LineSorter::Writer>> LineSorter::NewWriter() const {
  UNIRUST_ASSIGN_OR_RETURN(auto file, ScratchFile::Create(options_.directory));
  return std::make_unique<Writer>(std::move(file));
}

}  // namespace unirust::cli
