// The workload "events": what security tools see of a company's users and machines. It is the load
// test of unirust 0.2, with the same shares, attributes and rules, so that the two can be compared.
//
// Eight types (event_types.h); in every 20 writes 3 users, 4 sessions, 5 processes, 3 network
// connections, 2 assets, one vulnerability, alert and file, in random order. A record has 4 to 6
// descriptors of one interval in seconds: its start is anywhere in 30 days, its length between a
// minute and a day. Its perspective is any of the 2 or 3 of its type, its uid a counter of twelve
// digits.
//
// Of each ten records of a type one repeats a seed: one of the first 10,000 of its type that repeat
// none, which came before it or is among the same 20. It has the seed's uid and those of its values
// that tell what it is, but an interval, a perspective and other values of its own. So if an
// earlier write with this uid was from this perspective, it replaces that one; if not, it is
// another record, which the keys link where their intervals overlap. Sessions, processes and so on
// name a seed's user or asset.
//
// Unlike in 0.2, seeds and what repeats them carry a version, so that the order of arrival does not
// matter; shares are the same in all parts; a process and a vulnerability that repeat a seed are on
// the seed's asset, and a vulnerability tells it as `asset_id`, so that each key finds something;
// strong identifiers are of scope `global`. `asset_id` is an identity key of processes and
// vulnerabilities too, as they have one: those of one asset at one time are distinct by
// `process_hash` and `cve_id`, and contested.
#pragma once

#include <cstdint>
#include <string>

#include "workload/event_types.h"
#include "workload/order.h"
#include "workload/random.h"
#include "workload/source.h"

namespace unirust::workload {

class Events : public Source {
 public:
  explicit Events(const Options& options);

  uint64_t writes() const override { return order_.count(); }
  void Make(uint64_t position, Write* write) const override;
  const char* ontology() const override;

 private:
  // Events are numbered from 0, about in the order of arrival: those of a block of 20 by type, so
  // that the type is a function of the number. Those of a type count from 0 too: its ordinals.
  struct Number {
    uint64_t number = 0;
    const EventType* type = nullptr;
    uint64_t ordinal = 0;
  };
  static Number NumberAt(uint64_t number);
  static Number NumberOf(const EventType& type, uint64_t ordinal);

  // Which one in ten consecutive ordinals repeats a seed.
  uint64_t SeedTurn(const EventType& type, uint64_t ten) const;
  bool Repeats(const Number& event) const;
  // How many of the ordinals before this one do not: the seeds that there are, but for the limit.
  uint64_t FreshBefore(const EventType& type, uint64_t ordinal) const;
  Number Seed(const EventType& type, uint64_t seeds, uint64_t random) const;

  // The number of a user or asset that an event speaks of.
  uint64_t Mentioned(size_t type, uint64_t number, uint64_t random) const;

  Interval IntervalOf(uint64_t number) const;
  void AppendValue(const EventType& type, size_t attribute, uint64_t number,
                   std::string* out) const;

  Random random_;
  Order order_;
};

}  // namespace unirust::workload
