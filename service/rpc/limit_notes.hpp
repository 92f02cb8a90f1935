// Tells of connections that were cut off: at once, and then at most once a minute for a client or address and a kind,
// with how often. Who attacks must not fill the journal.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tuple>

#include "rdpmend/v1/journal.pb.h"

namespace rdpmend {

class LimitNotes {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Write = std::function<void(v1::ConnectionLimited)>;
  explicit LimitNotes(Write write) : write_(std::move(write)) {}

  // `client` is empty for a stranger. `reason` is one of a few.
  void note(const std::string& client, const std::string& peer, const std::string& reason, Time now);
  // Writes what a minute has passed for. True: there is more to write later.
  bool flush(Time now);
  // Writes all that is left.
  void finish();

 private:
  using Key = std::tuple<std::string, std::string, std::string>;
  struct Count {
    Time since;
    std::uint64_t more = 0;
  };
  void write(const Key& key, std::uint64_t count);

  const Write write_;
  std::map<Key, Count> counts_;
};

}  // namespace rdpmend
