#include "cli/ingest/resume_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "base/files.h"
#include "base/hash.h"
#include "text/json_writer.h"

namespace unirust::cli {
namespace {

constexpr char kHeader[] = "unirust-resume 1";

// As a JSON string, so that it is one line.
std::string Quoted(const std::string& text) {
  std::string quoted;
  text::AppendJsonString(&quoted, text);
  return quoted;
}

std::string Key(const std::string& input) { return Quoted(AbsolutePath(input)); }

absl::Status Error(const std::string& doing, const std::string& path) {
  return absl::UnknownError("cannot " + doing + " the resume file " + path + ": " +
                            std::strerror(errno));
}

bool WriteDurably(const std::string& path, const std::string& content) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return false;
  const ssize_t wrote = write(fd, content.data(), content.size());
  const bool good = wrote == static_cast<ssize_t>(content.size()) && fsync(fd) == 0;
  return close(fd) == 0 && good;
}

}  // namespace

std::string AbsolutePath(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::absolute(path, ignored).lexically_normal().string();
}

void Position::Advance(const proto::RecordInput& record) {
  std::string bytes(reinterpret_cast<const char*>(&digest), sizeof digest);
  record.AppendToString(&bytes);
  digest = Hash64(bytes);
  ++records;
}

absl::StatusOr<ResumeFile> ResumeFile::Load(const std::string& path, const std::string& store) {
  ResumeFile resume(path, store);
  std::ifstream file(path);
  if (!file) {
    if (errno == ENOENT) return resume;
    return Error("read", path);
  }
  const auto refuse = [&path] {
    return absl::InvalidArgumentError(path + " is not a resume file of this version; remove it");
  };
  std::string line;
  if (!std::getline(file, line) || line != kHeader) return refuse();
  if (!std::getline(file, line)) return refuse();
  if (line != Quoted(store)) {
    return absl::InvalidArgumentError(path + " is of an ingest into " + line + ", not into " +
                                      Quoted(store) + ": name another resume file, or remove it");
  }
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    Position position;
    std::string name;
    fields >> position.records >> std::hex >> position.digest >> std::ws;
    if (!fields || !std::getline(fields, name)) return refuse();
    resume.positions_[name] = position;
  }
  return resume;
}

Position ResumeFile::Find(const std::string& input) const {
  const auto found = positions_.find(Key(input));
  return found == positions_.end() ? Position{} : found->second;
}

void ResumeFile::Set(const std::string& input, const Position& position) {
  positions_[Key(input)] = position;
}

absl::Status ResumeFile::Save() const {
  std::ostringstream content;
  content << kHeader << '\n' << Quoted(store_) << '\n';
  for (const auto& [name, position] : positions_) {
    content << std::dec << position.records << ' ' << std::hex << position.digest << ' ' << name
            << '\n';
  }
  const std::string fresh = path_ + ".new";
  if (!WriteDurably(fresh, content.str()) || std::rename(fresh.c_str(), path_.c_str()) != 0) {
    return Error("write", path_);
  }
  const std::string parent = std::filesystem::path(path_).parent_path().string();
  SyncDirectory(parent.empty() ? "." : parent).IgnoreError();  // the old file is a valid, earlier position
  return absl::OkStatus();
}

}  // namespace unirust::cli
