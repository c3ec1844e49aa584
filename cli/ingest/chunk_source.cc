#include "cli/ingest/chunk_source.h"

#include <utility>

#include "base/limits.h"
#include "base/status_macros.h"
#include "proto/records.h"
#include "text/input.h"

namespace unirust::cli {
namespace {

constexpr size_t kChunksAhead = 2;  // decoded and waiting
constexpr size_t kChunkBytesMax = limits::kMessageBytesMax - 64 * 1024;
constexpr size_t kRecordOverheadBytes = 8;  // tag and length of a record in its message

}  // namespace

ChunkSource::ChunkSource(Options options, std::function<void(const std::string&)> report)
    : options_(std::move(options)), report_(std::move(report)) {
  thread_ = Thread("ingest-read", [this] { ReadAll(); });
}

ChunkSource::~ChunkSource() {
  MutexLock lock(mutex_);
  abandoned_ = true;
  changed_.NotifyAll();
}

absl::StatusOr<bool> ChunkSource::Next(Chunk* chunk) {
  MutexLock lock(mutex_);
  while (ready_.empty() && !end_) changed_.Wait(mutex_);
  if (ready_.empty()) {
    if (!end_->ok()) return *end_;
    return false;
  }
  *chunk = std::move(ready_.front());
  ready_.pop_front();
  changed_.NotifyAll();
  return true;
}

void ChunkSource::ReadAll() {
  absl::Status status;
  for (const std::string& file : options_.files) {
    status = ReadFile(file);
    if (!status.ok()) break;
  }
  MutexLock lock(mutex_);
  end_ = status;
  changed_.NotifyAll();
}

absl::Status ChunkSource::ReadFile(const std::string& file) {
  const std::string name = file == "-" ? "standard input" : file;
  UNIRUST_ASSIGN_OR_RETURN(const auto reader, text::WriteReader::Open(file, options_.mapping));
  UNIRUST_ASSIGN_OR_RETURN(std::optional<Position> position, SkipAcknowledged(file, *reader));
  Chunk chunk;
  Write write;
  uint64_t line = 0;
  absl::Status status;
  while (status.ok()) {
    const absl::StatusOr<bool> more = reader->Next(&write, &line);
    if (absl::IsInvalidArgument(more.status())) {
      status = BadLine(name + ": " + std::string(more.status().message()));
      continue;
    }
    status = more.status();
    if (!status.ok() || !*more) break;
    proto::RecordInput record = proto::ToProto(write, 0);
    Position next = position.value_or(Position());
    if (position) next.Advance(record);
    status = Add(name, line, std::move(record), &chunk);
    if (position && status.ok()) position = chunk.end = next;
  }
  // What was read before a fault is sent all the same.
  if (!chunk.lines.empty()) Put(std::move(chunk));
  return status;
}

absl::StatusOr<std::optional<Position>> ChunkSource::SkipAcknowledged(const std::string& file,
                                                                      text::WriteReader& reader) {
  if (options_.resume == nullptr) return std::nullopt;
  const Position wanted = options_.resume->Find(file);
  Position position;
  Write write;
  uint64_t line = 0;
  while (position.records < wanted.records) {
    const absl::StatusOr<bool> more = reader.Next(&write, &line);
    if (absl::IsInvalidArgument(more.status())) continue;  // reported by the run that met it first
    UNIRUST_RETURN_IF_ERROR(more.status());
    if (!*more) break;
    position.Advance(proto::ToProto(write, 0));
    ++skipped_records_;
  }
  if (position != wanted) {
    return absl::InvalidArgumentError(
        file + ": the " + std::to_string(wanted.records) +
        " records acknowledged by an earlier run are not the same any more; remove the resume "
        "file to ingest the whole file again");
  }
  return position;
}

absl::Status ChunkSource::BadLine(const std::string& message) {
  ++bad_lines_;
  if (!options_.keep_going) return absl::InvalidArgumentError(message);
  report_(message);
  return absl::OkStatus();
}

absl::Status ChunkSource::Add(const std::string& file, uint64_t line, proto::RecordInput record,
                              Chunk* chunk) {
  const size_t bytes = record.ByteSizeLong() + kRecordOverheadBytes;
  if (bytes > kChunkBytesMax) {
    return BadLine(file + ": line " + std::to_string(line) + ": the record takes " +
                   std::to_string(bytes) + " bytes, a request holds " +
                   std::to_string(kChunkBytesMax));
  }
  const bool full =
      chunk->lines.size() == options_.records_max || chunk->bytes + bytes > kChunkBytesMax;
  if (full && !Put(std::exchange(*chunk, Chunk()))) {
    return absl::CancelledError("abandoned");
  }
  chunk->file = file;
  record.set_index(static_cast<uint32_t>(chunk->lines.size()));
  chunk->lines.push_back(line);
  chunk->bytes += bytes;
  *chunk->message.add_records() = std::move(record);
  return absl::OkStatus();
}

bool ChunkSource::Put(Chunk chunk) {
  MutexLock lock(mutex_);
  while (ready_.size() >= kChunksAhead && !abandoned_) changed_.Wait(mutex_);
  if (abandoned_) return false;
  ready_.push_back(std::move(chunk));
  changed_.NotifyAll();
  return true;
}

}  // namespace unirust::cli
