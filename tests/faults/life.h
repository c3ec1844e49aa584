// A life of a store, step by step, with a journal of what was acknowledged, and the question
// whether a directory is what such a life may leave: every acknowledged step, the one under way
// whole or not at all, and nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "store/store.h"
#include "tests/faults/calls.h"

namespace unirust::faults {

enum class Step {
  kCommit,
  kLargeCommit,  // of several blocks of the log
  kSwitch,       // derived families are made anew
  kSeal,         // the same, with a restart before the switch
  kClear,
  kFlush,
  kCompact,  // waits for a compaction
  kCheckpoint,
  kBackup,
  kReopen,
};

// Every kind of step. Some 3,000 calls that change something.
std::vector<Step> EveryStep();
// A few steps of all kinds, in any order.
std::vector<Step> RandomSteps(uint64_t seed);

// What is known of a life that ended somewhere. Steps are counted from 1.
struct Journal {
  std::vector<size_t> acknowledged;
  size_t under_way = 0;          // 0: none
  void Add(const Event& event);  // of Note
};

using Rows = std::map<std::pair<size_t, std::string>, std::string>;  // by family and key

class Life {
 public:
  // In `dir`, which exists: the store in data/, copies beside it.
  Life(std::string dir, std::vector<Step> steps) : dir_(std::move(dir)), steps_(std::move(steps)) {}

  Life(const Life& other) : dir_(other.dir_), steps_(other.steps_) {}  // one that is not begun

  // Notes each step before and after it. A copy that cannot be made is noted as refused, and life
  // goes on; what else fails ends it.
  absl::Status Run();

  // Empty if `dir` is what the journal says; else what is wrong. It is opened, also to write, and
  // may be opened so any number of times. Copies are looked at only if `with_copies`.
  std::string WhatIsWrong(const std::string& dir, const Journal& journal, bool with_copies) const;

 private:
  absl::Status Do(size_t number);
  absl::Status Open();
  store::Batch CommitOf(size_t number) const;
  void Apply(size_t number, Rows* rows) const;
  Rows After(const std::vector<size_t>& steps) const;
  absl::Status Switch(size_t number, bool seal);
  void AwaitCompaction() const;
  std::string CompareCopies(const std::string& dir, const Journal& journal) const;

  const std::string dir_;
  const std::vector<Step> steps_;
  std::unique_ptr<store::Store> store_;
};

// Of all families, without the rows that are the store's own.
absl::StatusOr<Rows> ReadRows(const store::Store& store);

}  // namespace unirust::faults
