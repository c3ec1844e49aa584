#include "cli/line_sorter.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/bytes.h"
#include "base/status_macros.h"

namespace unirust::cli {
namespace {

constexpr size_t kFileBufferBytes = 256 * 1024;
constexpr size_t kComparedWhole = 8;      // lines: fewer are not worth another round
constexpr size_t kAgreedBytesMax = 512;  // bounds the rounds for lines that are equal

using EmitLine = std::function<absl::Status(std::string_view)>;

absl::Status FileError(std::string_view doing, const std::string& directory, int error) {
  return absl::ResourceExhaustedError(std::string(doing) + " a temporary file in " + directory +
                                      ": " + std::strerror(error) +
                                      " (set TMPDIR to a directory with more room)");
}

// How many bytes two texts have in common, at most `limit`; both are as long.
size_t CommonBytes(const char* a, const char* b, size_t limit) {
  size_t i = 0;
  for (; i + sizeof(uint64_t) <= limit; i += sizeof(uint64_t)) {
    if (std::memcmp(a + i, b + i, sizeof(uint64_t)) != 0) break;
  }
  while (i < limit && a[i] == b[i]) ++i;
  return i;
}

std::string TemporaryDirectory(const std::string& wanted) {
  if (!wanted.empty()) return wanted;
  const char* directory = std::getenv("TMPDIR");
  return directory != nullptr && *directory != '\0' ? directory : "/tmp";
}

}  // namespace

// Reads the lines of a finished spill file one by one. The file is closed, and thereby gone, with
// the object.
class LineSorter::Run {
 public:
  Run(int fd, std::string directory) : fd_(fd), directory_(std::move(directory)) {}
  ~Run() { close(fd_); }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

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
    ssize_t got = 0;
    do {
      got = read(fd_, room, kFileBufferBytes);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return FileError("cannot read", directory_, errno);
    buffer_.EndAt(room + got);
    return got > 0;
  }

  int fd_;
  std::string directory_;
  ByteBuffer buffer_;
  size_t position_ = 0;
  size_t line_size_ = 0;
  bool started_ = false;
};

class LineSorter::Writer {
 public:
  Writer(int fd, std::string directory) : fd_(fd), directory_(std::move(directory)) {}
  ~Writer() {
    if (fd_ >= 0) close(fd_);
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  absl::Status Add(std::string_view line) {
    buffer_.append(line);
    buffer_.push_back('\n');
    return buffer_.size() < kFileBufferBytes ? absl::OkStatus() : Flush();
  }

  absl::StatusOr<std::unique_ptr<Run>> Finish() {
    UNIRUST_RETURN_IF_ERROR(Flush());
    if (lseek(fd_, 0, SEEK_SET) < 0) return FileError("cannot rewind", directory_, errno);
    return std::make_unique<Run>(std::exchange(fd_, -1), directory_);
  }

 private:
  absl::Status Flush() {
    std::string_view rest = buffer_;
    while (!rest.empty()) {
      const ssize_t wrote = write(fd_, rest.data(), rest.size());
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) return FileError("cannot write", directory_, errno);
      rest.remove_prefix(static_cast<size_t>(wrote));
    }
    buffer_.clear();
    return absl::OkStatus();
  }

  int fd_;
  std::string directory_;
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

LineSorter::LineSorter(Options options) : options_(std::move(options)) {
  options_.directory = TemporaryDirectory(options_.directory);
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
  std::vector<Run*> runs;
  for (const auto& level : levels_) {
    for (const auto& run : level) runs.push_back(run.get());
  }
  return Merge(runs, emit);
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
  std::string path = options_.directory + "/unirust-sort-XXXXXX";
  const int fd = mkostemp(path.data(), O_CLOEXEC);
  if (fd < 0) return FileError("cannot create", options_.directory, errno);
  unlink(path.c_str());
  return std::make_unique<Writer>(fd, options_.directory);
}

}  // namespace unirust::cli
