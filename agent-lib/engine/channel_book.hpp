// How well each event log channel is followed, for whoever asks: the reader writes, status reads.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "agent-lib/support/result.hpp"
#include "agent-lib/support/time.hpp"
#include "rdpmend/v1/agent.pb.h"

namespace rdpmend {

// Thread-safe. Channels have numbers in the order in which they were added.
class ChannelBook {
 public:
  // `last_read`: record of the bookmark that it begins with. 0: none.
  void add(const std::string& channel, std::uint64_t last_read);
  std::vector<v1::ChannelStatus> all() const;

  // It gives what comes after that record.
  void opened(std::size_t channel, std::uint64_t after);
  void closed(std::size_t channel, const Error& why);
  void reopened(std::size_t channel, WallTime when);
  void read(std::size_t channel, std::uint64_t up_to, WallTime when);
  // The newest record that a rule asks for.
  void seen(std::size_t channel, std::uint64_t newest);

 private:
  struct Entry {
    v1::ChannelStatus status;
    std::uint64_t done = 0;  // Nothing up to this record is still to be read.
  };
  static void judge(Entry& entry);

  mutable std::mutex mutex_;
  std::vector<Entry> channels_;
};

}  // namespace rdpmend
