#include "service/rpc/watch_stream.hpp"

#include <algorithm>

#include "service/rpc/requests.hpp"
#include "service/rpc/status_map.hpp"

namespace rdpmend {

namespace {
constexpr std::size_t k_page_entries = 64;
}  // namespace

WatchStream::WatchStream(const Journal& journal, asio::any_io_executor reads, const v1::WatchRequest& request,
                         Trusted trusted, Done done)
    : journal_(journal),
      reads_(std::move(reads)),
      request_(request),
      trusted_(std::move(trusted)),
      done_(std::move(done)) {}

void WatchStream::begin() {
  begun_ = true;
  const auto newest = journal_.range().last_seq;
  cursor_ = request_.live_only() ? newest : request_.after_seq();
  if (const auto valid = check_cursor(cursor_, newest); !valid) return end(to_grpc_status(valid.error()));
  pump();
}

void WatchStream::stop() {
  stopping_ = true;
  pump();
}

void WatchStream::look_at_trust() {
  if (ended_ || refused_) return;
  const auto trusted = trusted_();
  if (trusted || trusted.error().code != ErrorCode::unauthenticated) return;
  refused_ = to_grpc_status(trusted.error());
  if (!writing_) end(*refused_);
}

void WatchStream::pump() {
  if (!begun_ || writing_ || ended_) return;
  if (queue_.empty() && !refill()) return;
  if (queue_.empty()) {
    if (stopping_) end(to_grpc_status({ErrorCode::unavailable, "service is stopping", "Watch again later.", {}}));
    return;
  }
  writing_ = true;
  write_front();
}

// Never with gRPC's buffer hint: a buffered write may wait for the next one, which we start only when it is done.
void WatchStream::write_front() {
  StartWrite(&queue_.front());
}

// Queues the next page. False: the stream was ended by an error.
bool WatchStream::refill() {
  const auto newest = journal_.range().last_seq;
  auto page = journal_.read(cursor_, k_page_entries, request_.incident_id());
  if (!page) {
    end(to_grpc_status(std::move(page.error()).context("cannot read the journal")));
    return false;
  }
  // Asked only after reading: what is pruned in between is announced although it may have been read, never the reverse.
  const auto first_kept = journal_.range().first_seq;
  announce_pruned(page->empty() ? first_kept : std::min(first_kept, page->front().seq()));
  for (auto& entry : *page) {
    cursor_ = entry.seq();
    *queue_.emplace_back().mutable_entry() = std::move(entry);
  }
  if (!page->empty()) return true;

  cursor_ = std::max(cursor_, newest);
  if (!caught_up_) {
    caught_up_ = true;
    queue_.emplace_back().set_caught_up_seq(cursor_);
  }
  return true;
}

void WatchStream::announce_pruned(std::uint64_t first_kept) {
  if (first_kept <= cursor_ + 1) return;
  auto* pruned = queue_.emplace_back().mutable_pruned();
  pruned->set_first_seq(cursor_ + 1);
  pruned->set_last_seq(first_kept - 1);
  cursor_ = first_kept - 1;
}

void WatchStream::end(const grpc::Status& status) {
  if (ended_) return;
  ended_ = true;
  Finish(status);
}

void WatchStream::OnWriteDone(bool ok) {
  queue_.pop_front();
  if (ok && !queue_.empty()) return write_front();
  asio::post(reads_, [self = shared_from_this(), ok] { self->written(ok); });
}

void WatchStream::written(bool ok) {
  writing_ = false;
  if (!ok || cancelled_) return end(grpc::Status::CANCELLED);
  if (refused_) return end(*refused_);
  pump();
}

// A write that is under way fails soon, and ends the stream then.
void WatchStream::OnCancel() {
  asio::post(reads_, [self = shared_from_this()] {
    self->cancelled_ = true;
    if (!self->writing_) self->end(grpc::Status::CANCELLED);
  });
}

void WatchStream::OnDone() {
  asio::post(reads_, [self = shared_from_this()] { self->done_(self); });
}

}  // namespace rdpmend
