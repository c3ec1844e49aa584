// Requests that wait for a commit, in two lanes: unary ones, which may come from any number of clients, and those of
// streams. Each lane has half of the room and, while the other one waits too, commits by turns and half of the records
// of each, so that a flood in one does not make the other one late. In a lane the first that came goes first. Not
// thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace unirust::shard {

enum class Lane : uint8_t { kUnary, kStreams };

// A lane.
template <typename Request>
struct Waiting {
  std::deque<Request*> requests;
  uint64_t bytes = 0;
};

// A Request has its records(), its `bytes` of memory, an `arrival` that is set here, and says whether it IsAlone() in
// its commit, which then comes after those of all that arrived before it: what the quota of records may refuse must
// not take the room that was counted for those.
template <typename Request>
class CommitLanes {
 public:
  // Room for those that wait, in bytes.
  explicit CommitLanes(uint64_t bytes_max) : lane_bytes_max_(bytes_max / 2) {}

  // An empty lane has room for any request.
  bool HasRoom(Lane lane, uint64_t bytes) const {
    const uint64_t taken = this->bytes(lane);
    return taken == 0 || taken + bytes <= lane_bytes_max_;
  }
  // Whether there is room or not: what takes no bytes needs none.
  void Add(Lane lane, Request* request) {
    Waiting<Request>& waiting = lanes_[static_cast<size_t>(lane)];
    request->arrival = arrivals_++;
    waiting.requests.push_back(request);
    waiting.bytes += request->bytes;
    records_ += request->records();
  }

  bool empty() const { return lanes_[0].requests.empty() && lanes_[1].requests.empty(); }
  size_t records() const { return records_; }
  uint64_t bytes(Lane lane) const { return lanes_[static_cast<size_t>(lane)].bytes; }

  // Takes out those of one commit: of so many records, or one request. None if none waits. The lanes begin in turn;
  // then the one that has fewer records in the commit goes on.
  std::vector<Request*> TakeCommit(size_t records_max) {
    std::vector<Request*> out;
    std::array<size_t, 2> taken = {};  // records
    std::array<bool, 2> closed = {};
    while (!closed[0] || !closed[1]) {
      const size_t lane = NextLane(taken, closed);
      closed[lane] = !MayGo(lane, out, taken[0] + taken[1], records_max);
      if (closed[lane]) continue;
      Waiting<Request>& waiting = lanes_[lane];
      if (out.empty()) begins_ = lane;
      out.push_back(waiting.requests.front());
      waiting.requests.pop_front();
      taken[lane] += out.back()->records();
      waiting.bytes -= out.back()->bytes;
    }
    begins_ = 1 - begins_;
    records_ -= taken[0] + taken[1];
    return out;
  }

 private:
  // The lane with fewer records in the commit, if it is not closed; else the other one.
  size_t NextLane(const std::array<size_t, 2>& taken, const std::array<bool, 2>& closed) const {
    const size_t other = 1 - begins_;
    if (closed[begins_] || closed[other]) return closed[begins_] ? other : begins_;
    return taken[other] < taken[begins_] ? other : begins_;
  }
  // Whether the first of a lane may go with `out`, which have so many records.
  bool MayGo(size_t lane, const std::vector<Request*>& out, size_t records, size_t most) const {
    if (lanes_[lane].requests.empty()) return false;
    const Request& next = *lanes_[lane].requests.front();
    if (!out.empty()) {
      return !next.IsAlone() && !out.front()->IsAlone() && records + next.records() <= most;
    }
    const std::deque<Request*>& others = lanes_[1 - lane].requests;
    return !next.IsAlone() || others.empty() || next.arrival < others.front()->arrival;
  }

  const uint64_t lane_bytes_max_;
  std::array<Waiting<Request>, 2> lanes_;
  size_t begins_ = 0;  // the lane of which the next commit begins
  size_t records_ = 0;
  uint64_t arrivals_ = 0;
};

}  // namespace unirust::shard
