#include "tests/faults/calls.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string_view>
#include <utility>

#include "base/bytes.h"

namespace unirust::faults {
namespace {

constexpr std::array<const char*, kCalls> kNames = {
    "open to read",   "open to write", "list",   "read",     "write", "sync",
    "sync directory", "rename",        "delete", "truncate", "link",  "make directory"};

// What is known of an open descriptor below the directory.
struct Opened {
  uint32_t file = 0;
  bool is_directory = false;
  std::string path;
};

// Only reached once Watch was called: calls before, also those before main, do not touch it.
struct Watcher {
  std::string dir;
  int trace = -1;
  std::vector<std::optional<Opened>> opened;  // by descriptor
  uint32_t files = 0;
  std::optional<Fault> fault;
  std::array<uint64_t, kCalls> made{};
  uint64_t faults = 0;
  std::mt19937_64 random;
};

std::mutex
    mutex;  // not one of base/: calls are made before main, and by the scheduler's own threads
std::condition_variable held_changed;
std::optional<std::pair<Call, std::string>> held;
bool waits = false;
std::atomic<Watcher*> watcher = nullptr;  // never deleted: threads may outlive main

// --- what was called, of mutex -------------------------------------------------------------------

std::string Absolute(const char* path) {
  return std::filesystem::absolute(path).lexically_normal();
}

bool IsBelow(const Watcher& w, const std::string& path) {
  return path.starts_with(w.dir) && (path.size() == w.dir.size() || path[w.dir.size()] == '/');
}

Opened* Find(Watcher& w, int descriptor) {
  const auto at = static_cast<size_t>(descriptor);
  if (descriptor < 0 || at >= w.opened.size() || !w.opened[at]) return nullptr;
  return &*w.opened[at];
}

void Append(Watcher& w, const Event& event) {
  if (w.trace < 0) return;
  std::string out;
  AppendBig8(&out, static_cast<uint8_t>(event.kind));
  AppendBig8(&out, event.failed ? 1 : 0);
  AppendBig32(&out, event.file);
  AppendBig64(&out, event.at);
  AppendString(&out, event.path);
  AppendString(&out, event.data);
  for (size_t written = 0; written < out.size();) {
    const long count = syscall(SYS_write, w.trace, out.data() + written, out.size() - written);
    if (count <= 0) _exit(99);  // no room for the trace: nothing can be said
    written += static_cast<size_t>(count);
  }
}

// True if this call is to fail. Counts it.
bool Fails(Watcher& w, Call call, const std::string& path) {
  if (w.fault && path.find(w.fault->only) == std::string::npos) return false;
  const uint64_t count = ++w.made[static_cast<size_t>(call)];
  if (!w.fault || w.fault->call != call) return false;
  const Fault& fault = *w.fault;
  const bool fails = fault.one_in > 0 ? w.random() % fault.one_in == 0
                                      : count == fault.nth || (fault.lasting && count > fault.nth);
  if (!fails) return false;
  ++w.faults;
  Append(w, {.kind = Event::Kind::kFault, .path = path, .data = CallName(call)});
  return true;
}

// Runs the call of a watched path under the mutex. `failing` is called instead if it is to fail.
template <typename Result>
Result Make(std::unique_lock<std::mutex>& lock, Watcher& w, Call call, const std::string& path,
            const std::function<Result()>& made, const std::function<Result()>& failing) {
  while (held && held->first == call && path.find(held->second) != std::string::npos) {
    waits = true;
    held_changed.notify_all();
    held_changed.wait(lock);
  }
  if (!Fails(w, call, path)) return made();
  const Result result = failing();
  if (w.fault->error != 0) errno = w.fault->error;
  return result;
}

void FlipBit(Watcher& w, void* bytes, size_t count) {
  if (count == 0 || w.fault->error != 0) return;
  auto* const at = static_cast<unsigned char*>(bytes) + w.random() % count;
  *at = static_cast<unsigned char>(*at ^ 1U << w.random() % 8);
}

void Register(Watcher& w, int descriptor, const std::string& path, int flags) {
  if (descriptor < 0) return;
  struct stat info {};
  fstat(descriptor, &info);
  const auto at = static_cast<size_t>(descriptor);
  if (w.opened.size() <= at) w.opened.resize(at + 1);
  w.opened[at] = Opened{.file = ++w.files, .is_directory = S_ISDIR(info.st_mode), .path = path};
  Append(w, {.kind = Event::Kind::kOpen,
             .file = w.files,
             .at = static_cast<uint64_t>(flags & (O_CREAT | O_EXCL | O_TRUNC)),
             .path = path});
}

Call OpeningCall(int flags) {
  const bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT) != 0;
  return writes ? Call::kOpenToWrite : Call::kOpenToRead;
}

// A call that creates, moves or removes names: `path` decides whether it is watched.
int OnNames(Call call, Event event, const std::function<int()>& made) {
  Watcher* const w = watcher;
  if (w == nullptr) return made();
  event.path = Absolute(event.path.c_str());
  if (!event.data.empty()) event.data = Absolute(event.data.c_str());
  std::unique_lock lock(mutex);
  if (!IsBelow(*w, event.path)) return made();
  return Make<int>(
      lock, *w, call, event.path,
      [&] {
        const int result = made();
        const int error = errno;
        if (result == 0) Append(*w, event);
        errno = error;
        return result;
      },
      [] { return -1; });
}

template <typename Result>
Result OnDescriptor(
    int descriptor, const std::function<Result()>& made,
    const std::function<Result(std::unique_lock<std::mutex>&, Watcher&, Opened&)>& watched) {
  Watcher* const w = watcher;
  if (w == nullptr) return made();
  std::unique_lock lock(mutex);
  Opened* const opened = Find(*w, descriptor);
  return opened == nullptr ? made() : watched(lock, *w, *opened);
}

}  // namespace

// --- what tests ask for --------------------------------------------------------------------------

const char* CallName(Call call) { return kNames[static_cast<size_t>(call)]; }

void Watch(const std::string& dir, const std::string& trace) {
  auto w = std::make_unique<Watcher>();
  w->dir = dir;
  if (!trace.empty()) {
    w->trace = open(trace.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (w->trace < 0) std::abort();
  }
  watcher = w.release();
}

void Arm(const Fault& fault) {
  std::lock_guard lock(mutex);
  Watcher& w = *watcher;
  w.fault = fault;
  w.made = {};
  w.random.seed(fault.seed);
}

void Note(uint64_t number) {
  std::lock_guard lock(mutex);
  Append(*watcher, {.kind = Event::Kind::kNote, .at = number});
}

uint64_t Made(Call call) {
  std::lock_guard lock(mutex);
  return watcher.load()->made[static_cast<size_t>(call)];
}

uint64_t FaultsInjected() {
  std::lock_guard lock(mutex);
  return watcher.load()->faults;
}

void Hold(Call call, const std::string& only) {
  std::lock_guard lock(mutex);
  held.emplace(call, only);
}

void AwaitHeld() {
  std::unique_lock lock(mutex);
  held_changed.wait(lock, [] { return waits; });
}

void Release() {
  std::lock_guard lock(mutex);
  held.reset();
  waits = false;
  held_changed.notify_all();
}

std::vector<Event> ReadTrace(const std::string& trace) {
  std::ifstream file(trace, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  ByteReader in(bytes);
  std::vector<Event> out;
  while (in.ok() && !in.done()) {
    Event event;
    event.kind = static_cast<Event::Kind>(in.Big8());
    event.failed = in.Big8() != 0;
    event.file = in.Big32();
    event.at = in.Big64();
    event.path = in.String();
    event.data = in.String();
    if (in.ok())
      out.push_back(std::move(event));  // the last one of a process that was killed may be cut
  }
  return out;
}

// --- what libraries call -------------------------------------------------------------------------

namespace {

int Open(int at, const char* path, int flags, mode_t mode) {
  const auto made = [=] { return static_cast<int>(syscall(SYS_openat, at, path, flags, mode)); };
  Watcher* const w = watcher;
  if (w == nullptr || (at != AT_FDCWD && path[0] != '/')) return made();
  const std::string absolute = Absolute(path);
  std::unique_lock lock(mutex);
  if (!IsBelow(*w, absolute)) return made();
  return Make<int>(
      lock, *w, OpeningCall(flags), absolute,
      [&] {
        const int descriptor = made();
        const int error = errno;
        Register(*w, descriptor, absolute, flags);
        errno = error;
        return descriptor;
      },
      [&]() -> int { return w->fault->error == 0 ? made() : -1; });
}

mode_t ModeOf(int flags, va_list more) {
  return (flags & O_CREAT) != 0 ? static_cast<mode_t>(va_arg(more, int)) : 0;
}

template <typename Function>
Function* Libc(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

std::FILE* OpenStream(const char* path, const char* mode) {
  static auto* const libc = Libc<std::FILE*(const char*, const char*)>("fopen64");
  const int flags = mode[0] == 'r' && std::string_view(mode).find('+') == std::string_view::npos
                        ? O_RDONLY
                        : O_RDWR | O_CREAT | (mode[0] == 'w' ? O_TRUNC : 0);
  Watcher* const w = watcher;
  if (w == nullptr) return libc(path, mode);
  const std::string absolute = Absolute(path);
  std::unique_lock lock(mutex);
  if (!IsBelow(*w, absolute)) return libc(path, mode);
  return Make<std::FILE*>(
      lock, *w, OpeningCall(flags), absolute,
      [&] {
        std::FILE* const stream = libc(path, mode);
        const int error = errno;
        if (stream != nullptr) Register(*w, fileno(stream), absolute, flags);
        errno = error;
        return stream;
      },
      [] { return static_cast<std::FILE*>(nullptr); });
}

void Forget(int descriptor) {
  Watcher* const w = watcher;
  if (w == nullptr) return;
  std::lock_guard lock(mutex);
  if (Find(*w, descriptor) != nullptr) w->opened[static_cast<size_t>(descriptor)].reset();
}

ssize_t ReadInto(int descriptor, void* bytes, const std::function<ssize_t()>& made) {
  return OnDescriptor<ssize_t>(
      descriptor, made, [&](std::unique_lock<std::mutex>& lock, Watcher& w, Opened& opened) {
        return Make<ssize_t>(lock, w, Call::kRead, opened.path, made, [&]() -> ssize_t {
          if (w.fault->error != 0) return -1;
          const ssize_t count = made();
          if (count > 0) FlipBit(w, bytes, static_cast<size_t>(count));
          return count;
        });
      });
}

// `at` is negative for a write to where the descriptor stands.
ssize_t Write(int descriptor, std::string_view bytes, off_t at) {
  const auto write = [&](size_t count) -> ssize_t {
    return at >= 0 ? syscall(SYS_pwrite64, descriptor, bytes.data(), count, at)
                   : syscall(SYS_write, descriptor, bytes.data(), count);
  };
  const auto made = [&] { return write(bytes.size()); };
  return OnDescriptor<ssize_t>(
      descriptor, made, [&](std::unique_lock<std::mutex>& lock, Watcher& w, Opened& opened) {
        const auto recorded = [&](size_t wanted) {
          const ssize_t count = write(wanted);
          const int error = errno;
          if (count > 0) {
            const off_t begin = at >= 0 ? at : lseek(descriptor, 0, SEEK_CUR) - count;
            Append(w, {.kind = Event::Kind::kWrite,
                       .file = opened.file,
                       .at = static_cast<uint64_t>(begin),
                       .path = opened.path,
                       .data = std::string(bytes.substr(0, static_cast<size_t>(count)))});
          }
          errno = error;
          return count;
        };
        return Make<ssize_t>(
            lock, w, Call::kWrite, opened.path, [&] { return recorded(bytes.size()); },
            [&]() -> ssize_t {
              recorded(bytes.size() / 2);
              return -1;
            });
      });
}

int Sync(int descriptor, long number) {
  const auto made = [=] { return static_cast<int>(syscall(number, descriptor)); };
  return OnDescriptor<int>(
      descriptor, made, [&](std::unique_lock<std::mutex>& lock, Watcher& w, Opened& opened) {
        Event event{.kind = Event::Kind::kSync, .file = opened.file, .path = opened.path};
        const Call call = opened.is_directory ? Call::kSyncDirectory : Call::kSync;
        return Make<int>(
            lock, w, call, opened.path,
            [&] {
              const int result = made();
              if (result == 0) Append(w, event);
              return result;
            },
            [&] {
              event.failed = true;
              Append(w, event);
              return -1;
            });
      });
}

int Truncate(int descriptor, off_t size) {
  const auto made = [=] { return static_cast<int>(syscall(SYS_ftruncate, descriptor, size)); };
  return OnDescriptor<int>(descriptor, made,
                           [&](std::unique_lock<std::mutex>& lock, Watcher& w, Opened& opened) {
                             return Make<int>(
                                 lock, w, Call::kTruncate, opened.path,
                                 [&] {
                                   const int result = made();
                                   if (result == 0) {
                                     Append(w, {.kind = Event::Kind::kTruncate,
                                                .file = opened.file,
                                                .at = static_cast<uint64_t>(size),
                                                .path = opened.path});
                                   }
                                   return result;
                                 },
                                 [] { return -1; });
                           });
}

int Remove(int at, const char* path, int flags) {
  std::string whole = path;
  Watcher* const w = watcher;
  if (w != nullptr && at != AT_FDCWD && path[0] != '/') {
    std::error_code ignored;
    whole = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(at), ignored) / path;
  }
  return OnNames(Call::kDelete, {.kind = Event::Kind::kDelete, .path = whole},
                 [=] { return static_cast<int>(syscall(SYS_unlinkat, at, path, flags)); });
}

}  // namespace
}  // namespace unirust::faults

using unirust::faults::Call;
using unirust::faults::Event;
namespace faults = unirust::faults;

extern "C" {

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = faults::ModeOf(flags, more);
  va_end(more);
  return faults::Open(AT_FDCWD, path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = faults::ModeOf(flags, more);
  va_end(more);
  return faults::Open(AT_FDCWD, path, flags, mode);
}
std::FILE* fopen(const char* path, const char* mode) { return faults::OpenStream(path, mode); }
std::FILE* fopen64(const char* path, const char* mode) { return faults::OpenStream(path, mode); }

int close(int descriptor) {
  faults::Forget(descriptor);
  return static_cast<int>(syscall(SYS_close, descriptor));
}
int fclose(std::FILE* stream) {
  static auto* const libc = faults::Libc<int(std::FILE*)>("fclose");
  faults::Forget(fileno(stream));
  return libc(stream);
}

DIR* opendir(const char* path) {
  static auto* const libc = faults::Libc<DIR*(const char*)>("opendir");
  faults::Watcher* const w = faults::watcher;
  if (w == nullptr) return libc(path);
  const std::string absolute = faults::Absolute(path);
  std::unique_lock lock(faults::mutex);
  if (!faults::IsBelow(*w, absolute)) return libc(path);
  return faults::Make<DIR*>(
      lock, *w, Call::kList, absolute, [=] { return libc(path); },
      [] { return static_cast<DIR*>(nullptr); });
}

ssize_t read(int descriptor, void* bytes, size_t count) {
  return faults::ReadInto(descriptor, bytes,
                          [=]() -> ssize_t { return syscall(SYS_read, descriptor, bytes, count); });
}
ssize_t pread(int descriptor, void* bytes, size_t count, off_t at) {
  return faults::ReadInto(descriptor, bytes, [=]() -> ssize_t {
    return syscall(SYS_pread64, descriptor, bytes, count, at);
  });
}
ssize_t pread64(int descriptor, void* bytes, size_t count, off64_t at) {
  return pread(descriptor, bytes, count, at);
}
size_t fread_unlocked(void* bytes, size_t size, size_t count, std::FILE* stream) {
  static auto* const libc =
      faults::Libc<size_t(void*, size_t, size_t, std::FILE*)>("fread_unlocked");
  const ssize_t got = faults::ReadInto(fileno(stream), bytes, [=] {
    return static_cast<ssize_t>(libc(bytes, size, count, stream) * size);
  });
  return got < 0 ? 0 : static_cast<size_t>(got) / size;
}

ssize_t write(int descriptor, const void* bytes, size_t count) {
  return faults::Write(descriptor, {static_cast<const char*>(bytes), count}, -1);
}
ssize_t pwrite(int descriptor, const void* bytes, size_t count, off_t at) {
  return faults::Write(descriptor, {static_cast<const char*>(bytes), count}, at);
}
ssize_t pwrite64(int descriptor, const void* bytes, size_t count, off64_t at) {
  return pwrite(descriptor, bytes, count, at);
}
ssize_t writev(int descriptor, const struct iovec* parts, int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i) {
    bytes.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
  }
  return faults::Write(descriptor, bytes, -1);
}

int fsync(int descriptor) { return faults::Sync(descriptor, SYS_fsync); }
int fdatasync(int descriptor) { return faults::Sync(descriptor, SYS_fdatasync); }
int ftruncate(int descriptor, off_t size) noexcept { return faults::Truncate(descriptor, size); }
int ftruncate64(int descriptor, off64_t size) noexcept {
  return faults::Truncate(descriptor, size);
}

int rename(const char* from, const char* to) noexcept {
  return faults::OnNames(
      Call::kRename, {.kind = Event::Kind::kRename, .path = from, .data = to},
      [=] { return static_cast<int>(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0)); });
}
int link(const char* from, const char* to) noexcept {
  return faults::OnNames(Call::kLink, {.kind = Event::Kind::kLink, .path = from, .data = to}, [=] {
    return static_cast<int>(syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0));
  });
}
int mkdir(const char* path, mode_t mode) noexcept {
  return faults::OnNames(
      Call::kMakeDirectory, {.kind = Event::Kind::kMakeDirectory, .path = path},
      [=] { return static_cast<int>(syscall(SYS_mkdirat, AT_FDCWD, path, mode)); });
}
int unlink(const char* path) noexcept { return faults::Remove(AT_FDCWD, path, 0); }
int rmdir(const char* path) noexcept { return faults::Remove(AT_FDCWD, path, AT_REMOVEDIR); }
int unlinkat(int at, const char* path, int flags) noexcept {
  return faults::Remove(at, path, flags);
}
int remove(const char* path) noexcept {
  const int result = unlink(path);
  return result != 0 && (errno == EISDIR || errno == EPERM) ? rmdir(path) : result;
}

}  // extern "C"
