#include "service/rpc/watch_hub.hpp"

#include <fmt/format.h>

#include "service/rpc/status_map.hpp"

namespace rdpmend {

namespace {

class RefusedStream : public grpc::ServerWriteReactor<v1::WatchResponse> {
 public:
  explicit RefusedStream(const Error& error) { Finish(to_grpc_status(error)); }

 private:
  void OnDone() override { delete this; }
};

}  // namespace

WatchHub::WatchHub(const Journal& journal, asio::any_io_executor reads, std::uint32_t max_watchers)
    : journal_(journal), reads_(std::move(reads)), max_watchers_(max_watchers) {}

grpc::ServerWriteReactor<v1::WatchResponse>* WatchHub::watch(const v1::WatchRequest& request,
                                                             WatchStream::Trusted trusted) {
  if (watchers_.fetch_add(1) >= max_watchers_) {
    --watchers_;
    return refuse({ErrorCode::exhausted,
                   fmt::format("{} clients are watching already", max_watchers_),
                   "End another watch, or raise rpc.max_watchers in the service's configuration.",
                   {}});
  }
  auto stream = std::make_shared<WatchStream>(journal_, reads_, request, std::move(trusted), [this](const auto& done) {
    streams_.erase(done);
    --watchers_;
    tell_if_ended();
  });
  asio::post(reads_, [this, stream] {
    streams_.insert(stream);
    stream->begin();
    if (stopping_) stream->stop();
  });
  return stream.get();
}

grpc::ServerWriteReactor<v1::WatchResponse>* WatchHub::refuse(const Error& error) {
  return new RefusedStream(error);
}

void WatchHub::look_at_trust() {
  asio::post(reads_, [this] {
    for (const auto& stream : streams_) stream->look_at_trust();
  });
}

void WatchHub::wake() {
  if (wake_posted_.exchange(true)) return;
  asio::post(reads_, [this] {
    wake_posted_ = false;  // Before reading: what is appended from now on wakes again.
    for (const auto& stream : streams_) stream->wake();
  });
}

std::future<void> WatchHub::stop() {
  std::promise<void> ended;
  auto future = ended.get_future();
  asio::post(reads_, [this, ended = std::move(ended)]() mutable {
    stopping_ = true;
    ended_ = std::move(ended);
    for (const auto& stream : streams_) stream->stop();
    tell_if_ended();
  });
  return future;
}

void WatchHub::tell_if_ended() {
  if (!ended_ || !streams_.empty()) return;
  ended_->set_value();
  ended_.reset();
}

}  // namespace rdpmend
