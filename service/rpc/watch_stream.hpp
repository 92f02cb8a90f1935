// One Watch call: history and live in one stream. Its cursor is in the journal, at most one write is in flight and at
// most one page is in memory, so a slow client lags and costs nothing. Nothing polls: it reads when it is woken.
#pragma once

#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "agent-lib/record/journal.hpp"
#include "agent-lib/support/asio.hpp"
#include "rdpmend/v1/agent.pb.h"

namespace rdpmend {

// State belongs to the `reads` thread; what gRPC reports is posted there. Only while a page is being written does the
// queue belong to gRPC's write callbacks, one after the other, so that an entry costs no change of threads.
class WatchStream : public grpc::ServerWriteReactor<v1::WatchResponse>,
                    public std::enable_shared_from_this<WatchStream> {
 public:
  // unauthenticated: the client is not trusted any more.
  using Trusted = std::function<Status()>;
  using Done = std::function<void(const std::shared_ptr<WatchStream>&)>;
  // `done` is called on the reads thread once gRPC is done with the stream; until then the caller keeps it.
  WatchStream(const Journal& journal, asio::any_io_executor reads, const v1::WatchRequest& request, Trusted trusted,
              Done done);

  // --- on the reads thread ---
  void begin();
  // There may be new entries.
  void wake() { pump(); }
  // Ends with UNAUTHENTICATED if its client is not trusted any more, at most a page later.
  void look_at_trust();
  // Sends what is already in the journal, then ends with UNAVAILABLE.
  void stop();

 private:
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  void pump();
  bool refill();
  void write_front();
  void written(bool ok);
  void announce_pruned(std::uint64_t first_kept);
  void end(const grpc::Status& status);

  const Journal& journal_;
  asio::any_io_executor reads_;
  v1::WatchRequest request_;
  Trusted trusted_;
  Done done_;
  std::deque<v1::WatchResponse> queue_;  // At most a page; the front one is being written if writing_.
  std::uint64_t cursor_ = 0;             // Everything up to here was queued, announced as pruned, or is not asked for.
  bool begun_ = false;
  bool caught_up_ = false;
  bool writing_ = false;  // Nothing else may be asked of gRPC then, Finish included.
  bool cancelled_ = false;
  bool stopping_ = false;
  std::optional<grpc::Status> refused_;
  bool ended_ = false;
};

}  // namespace rdpmend
