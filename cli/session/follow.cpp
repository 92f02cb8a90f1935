#include "cli/session/follow.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "agent-lib/support/steady_condition.hpp"

namespace rdpmend::cli {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::seconds;

// Every stream has a deadline: one whose peer died silently ends with it, a good one is quietly continued.
constexpr seconds k_stream_lease{600};
constexpr seconds k_first_pause{1};
constexpr seconds k_longest_pause{30};

class Follower {
 public:
  Follower(Client& client, const FollowOptions& options, const FollowCallbacks& callbacks)
      : client_(client), options_(options), callbacks_(callbacks), cursor_(options.after_seq) {}

  Status run() {
    while (true) {
      const auto status = read_one_stream();
      if (finished_ || client_.stop().stop_requested()) return {};
      if (overdue()) return fail(ErrorCode::timeout, "gave up waiting");
      if (!may_continue(status)) return fail(client_.explain(status));
      if (status.error_code() != grpc::StatusCode::DEADLINE_EXCEEDED) pause(status);
    }
  }

 private:
  grpc::Status read_one_stream() {
    grpc::ClientContext context;
    auto lease = Clock::now() + k_stream_lease;
    if (options_.give_up_at) lease = std::min(lease, *options_.give_up_at);
    context.set_deadline(std::chrono::system_clock::now() + (lease - Clock::now()));
    const std::stop_callback cancel(client_.stop(), [&] { context.TryCancel(); });
    v1::WatchRequest request;
    request.set_after_seq(cursor_);
    request.set_incident_id(options_.incident_id);
    const auto reader = client_.stub().Watch(&context, request);
    v1::WatchResponse response;
    while (!finished_ && reader->Read(&response)) take(response);
    if (finished_) context.TryCancel();
    return reader->Finish();
  }

  void take(const v1::WatchResponse& response) {
    if (lost_) callbacks_.notice(fmt::format("connected again, going on after #{}", cursor_));
    lost_ = false;
    heard_ = true;
    pause_ = k_first_pause;
    if (response.has_entry()) cursor_ = response.entry().seq();
    if (response.has_pruned()) cursor_ = response.pruned().last_seq();
    // With a filter it is beyond the last entry that passed. It is less than before if the journal was made anew.
    if (response.what_case() == v1::WatchResponse::kCaughtUpSeq) cursor_ = response.caught_up_seq();
    finished_ = !callbacks_.take(response);
  }

  bool overdue() const { return options_.give_up_at && Clock::now() >= *options_.give_up_at; }

  bool may_continue(const grpc::Status& status) const {
    if (!heard_) return false;
    return status.ok() || status.error_code() == grpc::StatusCode::UNAVAILABLE ||
           status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
  }

  void pause(const grpc::Status& status) {
    if (!lost_) {
      callbacks_.notice(status.ok() ? "the service ended the stream; trying again"
                                    : client_.explain(status).what + "; trying again");
    }
    lost_ = true;
    auto until = Clock::now() + pause_;
    if (options_.give_up_at) until = std::min(until, *options_.give_up_at);
    pause_ = std::min(pause_ * 2, k_longest_pause);
    pause_until(client_.stop(), until);
  }

  Client& client_;
  const FollowOptions& options_;
  const FollowCallbacks& callbacks_;
  std::uint64_t cursor_;
  seconds pause_ = k_first_pause;
  bool heard_ = false;  // Something came through once, so that address and certificates are right.
  bool lost_ = false;
  bool finished_ = false;
};

}  // namespace

void pause_until(const std::stop_token& stop, Clock::time_point until) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  SteadyCondition stopped;
  stopped.wait_for(lock, stop, until - Clock::now(), [] { return false; });
}

Status follow(Client& client, const FollowOptions& options, const FollowCallbacks& callbacks) {
  return Follower(client, options, callbacks).run();
}

}  // namespace rdpmend::cli
