#include "shard/import_file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "base/status_macros.h"
#include "text/json_lines.h"
#include "text/line_reader.h"

namespace unirust::shard {
namespace {

constexpr std::string_view kScheme = "file:";

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

absl::StatusOr<std::string> PercentDecode(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return absl::InvalidArgumentError("url: '%' without two hex digits");
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

// The path below `import_dir` that the URL names.
absl::StatusOr<std::string> RelativePath(std::string import_dir, std::string_view url) {
  if (!url.starts_with(kScheme)) {
    return absl::UnimplementedError(
        "url: only file: URLs below the import directory of the daemon are read");
  }
  if (import_dir.empty()) {
    return absl::FailedPreconditionError(
        "there is no import directory: start the daemon with --import-dir, or declare one for the "
        "tenant");
  }
  url.remove_prefix(kScheme.size());
  if (url.starts_with("//")) url.remove_prefix(2);
  UNIRUST_ASSIGN_OR_RETURN(std::string path, PercentDecode(url));
  if (!import_dir.ends_with('/')) import_dir += '/';
  if (path.starts_with(import_dir)) path.erase(0, import_dir.size());
  if (path.empty() || path.starts_with('/')) {
    return absl::InvalidArgumentError(
        "url: the path must be relative to the import directory, or below it");
  }
  return path;
}

absl::Status OpenError(const std::string& path, int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError("url: no file '" + path + "' in the import directory");
    case EXDEV:
      return absl::InvalidArgumentError("url: '" + path + "' leads out of the import directory");
    case EACCES:
      return absl::PermissionDeniedError("url: '" + path + "' is not readable");
    default:
      return absl::InvalidArgumentError("url: '" + path + "': " + std::strerror(error));
  }
}

// Opens a regular file. The kernel keeps every step of the path, links included, below the
// directory.
absl::StatusOr<int> OpenBeneath(const std::string& import_dir, const std::string& path) {
  const int dir = ::open(import_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0) {
    return absl::FailedPreconditionError("the daemon's --import-dir " + import_dir + ": " +
                                         std::strerror(errno));
  }
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  const long opened = ::syscall(SYS_openat2, dir, path.c_str(), &how, sizeof(how));
  const int error = errno;
  ::close(dir);
  if (opened < 0) return OpenError(path, error);
  const int fd = static_cast<int>(opened);
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(fd);
    return absl::InvalidArgumentError("url: '" + path + "' is not a regular file");
  }
  return fd;
}

}  // namespace

absl::StatusOr<std::vector<Write>> ReadImportFile(const std::string& import_dir,
                                                  const std::string& url, size_t records_max) {
  UNIRUST_ASSIGN_OR_RETURN(const std::string path, RelativePath(import_dir, url));
  UNIRUST_ASSIGN_OR_RETURN(const int fd, OpenBeneath(import_dir, path));
  text::LineReader lines(fd, path);
  text::JsonLinesReader parser;
  std::vector<Write> writes;
  for (std::string_view line;;) {
    UNIRUST_ASSIGN_OR_RETURN(const bool more, lines.Next(&line));
    if (!more) return writes;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (writes.size() == records_max) {
      return absl::InvalidArgumentError(
          path + ": more than " + std::to_string(records_max) +
          " records; send them in several requests, as `unirust ingest` does");
    }
    const absl::Status parsed = parser.Parse(line, &writes.emplace_back());
    if (!parsed.ok()) {
      return absl::Status(parsed.code(), path + ":" + std::to_string(lines.line_number()) + ": " +
                                             std::string(parsed.message()));
    }
  }
}

}  // namespace unirust::shard
