// Windows event log channels through the Windows Event Log API. look_up() and wake() may be called from any thread;
// the others, and the subscriptions, belong to one.
#pragma once

#include <memory>
#include <vector>

#include "agent-lib/host/event_channels.hpp"
#include "agent-lib/win32/bounded_call.hpp"
#include "agent-lib/win32/unique_handle.hpp"

namespace rdpmend::win32 {

// By which Windows tells that a subscription has events.
struct EventSignal {
  UniqueKernel event;     // Auto-reset.
  bool consumed = false;  // wait() saw it set, which has reset it.
};

class Win32EventChannels final : public EventChannels {
 public:
  Win32EventChannels();

  Result<std::vector<std::string>> look_up(const EventLookup& what) const override;
  Result<ChannelRecords> records(std::string_view channel) const override;
  Result<std::uint64_t> newest(const ChannelQuery& query) const override;
  Result<std::unique_ptr<EventSubscription>> subscribe(const ChannelQuery& query,
                                                       const std::optional<std::string>& bookmark) override;
  void wait(std::stop_token stop, Duration at_most) override;
  void wake() override;

 private:
  std::vector<std::weak_ptr<EventSignal>> signals_;  // Of the open subscriptions.
  UniqueKernel wake_;                                // Auto-reset.
  // What only tells whether all is well must not hold up the reading.
  BoundedCall<ChannelRecords> records_call_;
  BoundedCall<std::uint64_t> newest_call_;
};

}  // namespace rdpmend::win32
