// All Watch calls: counts them, wakes them when the journal grows, and ends them when the service stops.
#pragma once

#include <atomic>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <set>

#include "service/rpc/watch_stream.hpp"

namespace rdpmend {

class WatchHub {
 public:
  // `reads` must run on one thread, which has ended or is out of work before the hub goes.
  WatchHub(const Journal& journal, asio::any_io_executor reads, std::uint32_t max_watchers);

  // --- from any thread ---
  // `trusted` says for as long as the stream runs whether its client still is.
  grpc::ServerWriteReactor<v1::WatchResponse>* watch(const v1::WatchRequest& request, WatchStream::Trusted trusted);
  static grpc::ServerWriteReactor<v1::WatchResponse>* refuse(const Error& error);
  // Ends the streams of clients that are not trusted any more. Returns at once.
  void look_at_trust();
  // The journal has grown. Returns at once.
  void wake();
  // Every stream ends once it has sent what is in the journal. Ready when the last one has.
  std::future<void> stop();
  std::uint32_t watchers() const { return watchers_; }

 private:
  void tell_if_ended();

  const Journal& journal_;
  asio::any_io_executor reads_;
  const std::uint32_t max_watchers_;
  std::atomic<std::uint32_t> watchers_{0};
  std::atomic<bool> wake_posted_{false};
  // --- of the reads thread ---
  std::set<std::shared_ptr<WatchStream>> streams_;
  bool stopping_ = false;
  std::optional<std::promise<void>> ended_;  // While somebody waits for it.
};

}  // namespace rdpmend
