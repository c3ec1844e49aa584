// Fuzz targets: functions that take any bytes, and end the process where a property does not hold.
// libFuzzer runs each in a program of its own (preset `fuzz`, scripts/fuzz); corpus_test.cc runs
// all on the inputs that are kept, in every preset. docs/testing.md, Fuzzing, has what each looks
// at.
//
// What a target does follows from the input alone, so that an input that fails once fails again.
// One thread calls.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "absl/status/status.h"

namespace unirust::fuzz {

void Keys(std::string_view input);      // keys of rows, cursors
void Rows(std::string_view input);      // values of rows, epochs, places of slots
void Opening(std::string_view input);   // what an opening reads before and beside RocksDB
void Ontology(std::string_view input);  // its JSON and its archive
void Text(std::string_view input);      // JSON Lines, CSV and its mapping
void Access(std::string_view input);    // principals, tokens, the audit log
void Shard(std::string_view input);     // every method of a shard
void Router(std::string_view input);    // every method of a router, before a shard
void Part(std::string_view input);      // every method of a part

struct Target {
  const char* name;  // of the program fuzz_<name>, and of the folder of its inputs
  void (*run)(std::string_view input);
};
inline constexpr std::array<Target, 9> kTargets{{{"keys", Keys},
                                                 {"rows", Rows},
                                                 {"opening", Opening},
                                                 {"ontology", Ontology},
                                                 {"text", Text},
                                                 {"access", Access},
                                                 {"shard", Shard},
                                                 {"router", Router},
                                                 {"part", Part}}};

// Ends the process, and says what does not hold.
inline void Require(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", property);
  std::abort();
}

// A refusal is of the expected kind and says why.
inline void RequireRefusal(const absl::Status& status, absl::StatusCode code) {
  if (status.code() == code && !status.message().empty()) return;
  std::fprintf(stderr, "not a refusal with code %d and a message: %s\n", static_cast<int>(code),
               status.ToString().c_str());
  std::abort();
}

// Takes an input apart. Behind its end there are zeros.
class Input {
 public:
  explicit Input(std::string_view bytes) : rest_(bytes) {}

  uint8_t Byte() { return static_cast<uint8_t>(Bytes(1).empty() ? 0 : last_.front()); }
  uint64_t Number(size_t bytes) {
    uint64_t out = 0;
    for (size_t i = 0; i < bytes; ++i) out = out << 8U | Byte();
    return out;
  }
  // At most `count`.
  std::string_view Bytes(size_t count) {
    last_ = rest_.substr(0, count);
    rest_.remove_prefix(last_.size());
    return last_;
  }
  std::string_view Sized() { return Bytes(Byte()); }  // a length, then so many bytes
  std::string_view Rest() { return Bytes(rest_.size()); }
  bool empty() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  std::string_view last_;
};

// Runs the one of `kinds` that the first byte says on what follows.
template <size_t kCount>
void RunKind(const std::array<void (*)(Input), kCount>& kinds, std::string_view bytes) {
  Input input(bytes);
  const uint8_t kind = input.Byte();
  if (kind < kCount) kinds[kind](input);
}

}  // namespace unirust::fuzz
