#include "store/image.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "base/limits.h"
#include "base/status_macros.h"

namespace unirust::store {
namespace {

absl::Status Failed(const std::string& what, const std::string& path, int error) {
  const std::string message = "cannot " + what + " " + path + ": " + std::strerror(error);
  switch (error) {
    case EACCES:
      return absl::PermissionDeniedError(message);
    case EMFILE:
    case ENFILE:
      return absl::ResourceExhaustedError(message + ". Raise the limit on open files (ulimit -n)");
    default:
      return absl::InternalError(message);
  }
}

bool IsManifest(const std::string& name) { return name.starts_with("MANIFEST-"); }

// LOCK belongs to the shard, CURRENT is copied as it was looked at, of other files RocksDB reads nothing.
bool IsNeeded(const std::string& name) {
  return name.ends_with(".sst") || name.ends_with(".log") || name == "IDENTITY" ||
         IsManifest(name);
}

}  // namespace

absl::StatusOr<std::unique_ptr<DirectoryImage>> DirectoryImage::Take(const std::string& dir) {
  RaiseOpenFilesLimit();  // every file is open at once, some of them twice
  std::unique_ptr<DirectoryImage> image(new DirectoryImage(dir));
  for (size_t attempt = 0; attempt < limits::kImageAttemptsMax; ++attempt) {
    UNIRUST_ASSIGN_OR_RETURN(image->list_, image->Look());
    UNIRUST_RETURN_IF_ERROR(image->HoldFiles());
    if (image->IsCurrent()) {
      UNIRUST_ASSIGN_OR_RETURN(image->links_, TemporaryDirectory::Create());
      image->path_ = image->links_->path();
      UNIRUST_RETURN_IF_ERROR(image->MakeLinks());
      return image;
    }
    image->LetGo();
  }
  return absl::UnavailableError("the files of data directory " + dir +
                                " change too fast to be read beside the shard: try again");
}

DirectoryImage::~DirectoryImage() { LetGo(); }

void DirectoryImage::LetGo() {
  for (const File& file : files_) close(file.descriptor);
  files_.clear();
}

bool DirectoryImage::IsCurrent() const {
  const absl::StatusOr<FileList> list = Look();
  return list.ok() && *list == list_;
}

// A MANIFEST is only appended to. One that is gone has been replaced: that shows at the next look.
absl::StatusOr<DirectoryImage::FileList> DirectoryImage::Look() const {
  const std::string path = dir_ + "/CURRENT";
  FileList out;
  UNIRUST_ASSIGN_OR_RETURN(out.current, ReadWholeFile(path));
  struct stat info {};
  const std::string manifest = dir_ + "/" + out.current.substr(0, out.current.find('\n'));
  if (stat(manifest.c_str(), &info) == 0) out.manifest_bytes = static_cast<uint64_t>(info.st_size);
  return out;
}

absl::Status DirectoryImage::HoldFiles() {
  std::error_code error;
  for (auto it = std::filesystem::directory_iterator(dir_, error);
       !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!IsNeeded(name)) continue;
    const int descriptor = open(it->path().c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor >= 0) {
      files_.push_back({name, descriptor});
    } else if (errno != ENOENT) {
      return Failed("open", it->path().string(), errno);
    }
  }
  return error ? Failed("list", dir_, error.value()) : absl::OkStatus();
}

absl::Status DirectoryImage::Show() {
  UNIRUST_ASSIGN_OR_RETURN(links_, TemporaryDirectory::CreateAgain(path_));
  return MakeLinks();
}

absl::Status DirectoryImage::MakeLinks() const {
  std::ofstream current(path() + "/CURRENT", std::ios::binary);
  if (!(current << list_.current << std::flush)) return Failed("write", path() + "/CURRENT", errno);
  for (const File& file : files_) {
    if (IsManifest(file.name)) {
      if (list_.current == file.name + "\n") UNIRUST_RETURN_IF_ERROR(CopyManifest(file));
      continue;
    }
    const std::string link = path() + "/" + file.name;
    const std::string target = "/proc/self/fd/" + std::to_string(file.descriptor);
    if (symlink(target.c_str(), link.c_str()) != 0) return Failed("make", link, errno);
  }
  return absl::OkStatus();
}

// As much of it as there was: it goes on growing.
absl::Status DirectoryImage::CopyManifest(const File& file) const {
  const std::string target = path() + "/" + file.name;
  std::ofstream out(target, std::ios::binary);
  std::array<char, 1U << 16U> buffer{};
  for (uint64_t at = 0; at < list_.manifest_bytes;) {
    const size_t wanted = std::min<uint64_t>(buffer.size(), list_.manifest_bytes - at);
    const ssize_t count =
        pread(file.descriptor, buffer.data(), wanted, static_cast<off_t>(at));
    if (count <= 0) return Failed("read", dir_ + "/" + file.name, count < 0 ? errno : EIO);
    out.write(buffer.data(), count);
    at += static_cast<uint64_t>(count);
  }
  if (!(out << std::flush)) return Failed("write", target, errno);
  return absl::OkStatus();
}

}  // namespace unirust::store
