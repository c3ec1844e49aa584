// Connections whose clients are known to read what they ask for: they had room (HTTP/2 flow control) for all of their
// last stream of answers, and for each answer soon. Remembers limits::kReadersKnownMax of them, those that were told of
// last. Not thread-safe.
#pragma once

#include <list>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "base/limits.h"

namespace unirust::rpc {

class KnownReaders {
 public:
  bool Has(const std::string& connection) const { return places_.contains(connection); }

  void Remember(const std::string& connection) {
    Forget(connection);
    latest_.push_front(connection);
    places_[connection] = latest_.begin();
    if (latest_.size() > limits::kReadersKnownMax) Forget(std::string(latest_.back()));  // a copy: it goes
  }

  void Forget(const std::string& connection) {
    const auto place = places_.find(connection);
    if (place == places_.end()) return;
    latest_.erase(place->second);
    places_.erase(place);
  }

 private:
  std::list<std::string> latest_;  // the latest one first
  absl::flat_hash_map<std::string, std::list<std::string>::iterator> places_;
};

}  // namespace unirust::rpc
