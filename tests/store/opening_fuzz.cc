// What an opening reads with code of our own before and beside RocksDB: the commit mark, CURRENT,
// the MANIFEST's extent, heads of logs, and the order of what is replayed.
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "store/commit_mark.h"
#include "store/known_files.h"
#include "store/rocks_log.h"
#include "tests/fuzz/files.h"
#include "tests/fuzz/targets.h"

namespace unirust::fuzz {
namespace {

using store::Acknowledged;
using store::CommitMark;
using store::KnownFiles;
using store::LogReplay;

constexpr uint64_t kBlockBytes = 32U << 10U;  // of RocksDB's logs and MANIFESTs
constexpr uint64_t kHeadBytes = 7;            // of a record in them

void KnownFilesRow(Input input) {
  const std::string_view bytes = input.Rest();
  const std::optional<KnownFiles> files = KnownFiles::Decode(bytes);
  if (files) Require(files->Encode() == bytes, "known files encode to the same bytes");
}

bool IsSame(const CommitMark::Content& content, const Acknowledged& acknowledged,
            const KnownFiles& files) {
  return content.acknowledged == acknowledged && content.files == files;
}

// Four slots: two of what was acknowledged, two of files. Each is a byte that says how it begins,
// and a value.
void WriteMark(Input& input) {
  const std::string path = CommitMark::PathIn(Directory());
  WriteFile(path, "");
  for (uint64_t slot = 0; slot < 4; ++slot) {
    const uint8_t turn = input.Byte();
    const std::string_view value = input.Sized();
    std::string bytes(value);
    if (turn != 0) {  // whole
      bytes.clear();
      AppendBig64(&bytes, 2 * turn + slot % 2);
      AppendBig32(&bytes, static_cast<uint32_t>(value.size()));
      bytes.append(value);
      AppendBig64(&bytes, Hash64(bytes));
    }
    constexpr off_t kAt[] = {0, 4096, 8192, 8192 + 65536};
    WriteFile(path, bytes, kAt[slot], 0);
  }
}

void Mark(Input input) {
  WriteMark(input);
  auto content = CommitMark::Read(Directory());
  if (!content.ok()) {
    const bool is_old = absl::IsFailedPrecondition(content.status());
    RequireRefusal(content.status(),
                   is_old ? absl::StatusCode::kFailedPrecondition : absl::StatusCode::kDataLoss);
  }
  const auto if_absent =
      content.ok() ? CommitMark::IfAbsent::kRefuse : CommitMark::IfAbsent::kCreate;
  const auto mark = CommitMark::Open(Directory(), if_absent);
  if (!mark.ok()) return Require(!content.ok(), "who reads a mark can open it");
  Acknowledged acknowledged;
  KnownFiles files;
  if (content.ok()) {
    acknowledged = content->acknowledged;
    files = content->files;
  }
  Require((*mark)->acknowledged() == acknowledged && (*mark)->files() == files,
          "a mark that is opened says what was read, and a new one nothing");
  ++acknowledged.commits;
  Require((*mark)->Advance(acknowledged).ok(), "a mark that is open advances");
  content = CommitMark::Read(Directory());
  Require(content.ok() && IsSame(*content, acknowledged, files), "and says so");
  files.logs.push_back({.number = 7, .first_sequence = 9});
  Require((*mark)->SetFiles(files).ok(), "a mark that is open takes files");
  content = CommitMark::Read(Directory());
  Require(content.ok() && IsSame(*content, acknowledged, files), "and has them");
}

// What an orderly end looks at is what the next opening finds, and less of the MANIFEST is noticed.
void Files(Input input) {
  const std::string dir = Directory() + "/store";
  std::filesystem::create_directory(dir);
  const uint64_t acknowledged = input.Number(2);
  const bool named = input.Byte() != 0;
  const std::string manifest = store::ManifestPath(dir, 5);
  WriteFile(dir + "/CURRENT", named ? "MANIFEST-000005\n" : input.Sized());
  WriteFile(manifest, input.Sized());
  WriteFile(store::LogPath(dir, 4), input.Sized());
  WriteFile(store::LogPath(dir, 6), input.Rest());
  const auto known = store::LookAtFiles(dir, acknowledged);
  if (!known.ok()) return RequireRefusal(known.status(), absl::StatusCode::kDataLoss);
  const auto checked = store::CheckFiles(dir, dir, *known, acknowledged);
  if (known->manifests.front().number != 5) {
    return RequireRefusal(checked.status(), absl::StatusCode::kDataLoss);
  }
  Require(checked.ok() && *checked == known->manifests.front(), "what was looked at is there");
  const uint64_t bytes = checked->bytes;
  Require(store::GoesOnWhole(manifest, bytes), "a MANIFEST that ends goes on whole");
  if (bytes == 0) return;
  std::filesystem::resize_file(manifest, bytes - 1);
  RequireRefusal(store::CheckFiles(dir, dir, *known, acknowledged).status(),
                 absl::StatusCode::kDataLoss);
}

// Behind a hole of any length.
void ManifestEnd(Input input) {
  const uint64_t begin = input.Number(2);
  const std::string path = Directory() + "/MANIFEST";
  WriteFile(path, input.Rest(), static_cast<off_t>(begin));
  (void)store::GoesOnWhole(path, begin);
}

// Whole records, then one that is cut off.
void WholeManifest(Input input) {
  const std::string path = Directory() + "/MANIFEST";
  std::string bytes(input.Number(2), '\0');
  const uint64_t begin = bytes.size();
  uint64_t last = begin;
  for (int count = input.Byte() % 8; count > 0; --count) {
    const uint64_t left = kBlockBytes - bytes.size() % kBlockBytes;
    if (left < kHeadBytes) bytes.append(left, '\0');
    const uint64_t room = kBlockBytes - bytes.size() % kBlockBytes - kHeadBytes;
    const uint64_t length = std::min(input.Number(2), room);
    last = bytes.size();
    bytes.append(4, 'c');
    bytes.push_back(static_cast<char>(length));
    bytes.push_back(static_cast<char>(length >> 8U));
    bytes.append(1 + length, 1);
  }
  WriteFile(path, bytes);
  Require(store::GoesOnWhole(path, begin), "whole records are whole");
  if (bytes.size() == begin) return;
  const uint64_t cut_at = last + input.Number(2) % (bytes.size() - last);
  std::filesystem::resize_file(path, cut_at);
  Require(store::GoesOnWhole(path, begin) == (cut_at == last), "a record that is cut off is not");
}

// Logs that are known, then records as they come.
void Replay(Input input) {
  const uint64_t acknowledged = input.Byte();
  std::vector<store::KnownLog> logs;
  for (int count = input.Byte() % 4; count > 0; --count) {
    logs.push_back({.number = input.Byte(), .first_sequence = input.Byte()});
  }
  LogReplay replay;
  replay.Expect(logs, acknowledged);
  std::optional<uint64_t> next;
  bool needed = false;
  while (!input.empty()) {
    const uint64_t log = input.Byte();
    replay.BeginLog(log);
    needed = needed || std::any_of(logs.begin(), logs.end(), [&](const auto& known) {
               return known.number == log && known.first_sequence <= acknowledged;
             });
    const uint8_t sequence = input.Byte();
    const uint8_t count = input.Byte();
    std::string head(12, '\0');  // both little-endian, in 8 and 4 bytes
    head[0] = static_cast<char>(sequence);
    head[8] = static_cast<char>(count);
    const rocksdb::WriteBatch batch(head);
    const bool follows = !next || sequence == *next;
    const auto found = replay.LogRecordFound(log, "", batch, nullptr, nullptr);
    Require((found == LogReplay::WalProcessingOption::kContinueProcessing) == follows,
            "only what follows is replayed");
    if (!follows) break;
    next = sequence + count;
  }
  const absl::Status checked = replay.Check("dir");
  const bool whole = !needed || (next && *next > acknowledged);
  if (!whole) return RequireRefusal(checked, absl::StatusCode::kDataLoss);
  Require(checked.ok(), "what was replayed to the end is whole");
}

}  // namespace

void Opening(std::string_view input) {
  static constexpr std::array kKinds{KnownFilesRow, Mark,          Files,
                                     ManifestEnd,   WholeManifest, Replay};
  RunKind(kKinds, input);
}

}  // namespace unirust::fuzz
