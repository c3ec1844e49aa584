// Opens the store that a program's settings describe. Used by unirust_shard and by the embedded
// mode.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "config/programs.h"
#include "shard/engine.h"

namespace unirust::shard {

// A directory below TMPDIR (or /tmp) that only this user can read, removed by the destructor with
// all it holds.
class TemporaryDirectory {
 public:
  static absl::StatusOr<std::unique_ptr<TemporaryDirectory>> Create();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

struct OpenedStore {
  std::unique_ptr<TemporaryDirectory> directory;  // of an ephemeral store, else null
  std::unique_ptr<Engine> engine;
};

// Opens the engine and applies the ontology file, if one is given. `settings` have passed
// CheckStore. The errors of Engine::Open; INVALID_ARGUMENT if the ontology file cannot be read or
// is refused.
absl::StatusOr<OpenedStore> OpenStore(const config::StoreSettings& settings, uint32_t shard_id);

// The exit code of a program whose store did not open.
int ExitCodeOf(const absl::Status& status);

}  // namespace unirust::shard
