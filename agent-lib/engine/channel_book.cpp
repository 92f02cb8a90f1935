#include "agent-lib/engine/channel_book.hpp"

#include <algorithm>

namespace rdpmend {

void ChannelBook::judge(Entry& entry) {
  auto& status = entry.status;
  status.set_lag_records(status.newest_record() > entry.done ? status.newest_record() - entry.done : 0);
  if (status.state() != v1::ChannelStatus::STATE_FOLLOWED && status.state() != v1::ChannelStatus::STATE_BEHIND) return;
  status.set_state(status.lag_records() == 0 ? v1::ChannelStatus::STATE_FOLLOWED : v1::ChannelStatus::STATE_BEHIND);
}

void ChannelBook::add(const std::string& channel, std::uint64_t last_read) {
  const std::scoped_lock lock(mutex_);
  auto& added = channels_.emplace_back();
  added.status.set_channel(channel);
  added.status.set_last_read_record(last_read);
  added.done = last_read;
}

std::vector<v1::ChannelStatus> ChannelBook::all() const {
  const std::scoped_lock lock(mutex_);
  std::vector<v1::ChannelStatus> statuses;
  for (const auto& entry : channels_) statuses.push_back(entry.status);
  return statuses;
}

void ChannelBook::opened(std::size_t channel, std::uint64_t after) {
  const std::scoped_lock lock(mutex_);
  auto& entry = channels_[channel];
  entry.done = after;
  entry.status.set_state(v1::ChannelStatus::STATE_FOLLOWED);
  entry.status.clear_detail();
  judge(entry);
}

void ChannelBook::closed(std::size_t channel, const Error& why) {
  const std::scoped_lock lock(mutex_);
  auto& status = channels_[channel].status;
  const bool absent = why.code == ErrorCode::not_found;
  status.set_state(absent ? v1::ChannelStatus::STATE_ABSENT : v1::ChannelStatus::STATE_CLOSED);
  status.set_detail(absent ? "" : to_string(why));
}

void ChannelBook::reopened(std::size_t channel, WallTime when) {
  const std::scoped_lock lock(mutex_);
  auto& status = channels_[channel].status;
  *status.mutable_last_reopened() = to_proto(when);
  status.set_times_reopened(status.times_reopened() + 1);
}

void ChannelBook::read(std::size_t channel, std::uint64_t up_to, WallTime when) {
  const std::scoped_lock lock(mutex_);
  auto& entry = channels_[channel];
  entry.done = up_to;
  *entry.status.mutable_last_read() = to_proto(when);
  entry.status.set_last_read_record(up_to);
  entry.status.set_newest_record(std::max<std::uint64_t>(entry.status.newest_record(), up_to));
  judge(entry);
}

void ChannelBook::seen(std::size_t channel, std::uint64_t newest) {
  const std::scoped_lock lock(mutex_);
  auto& entry = channels_[channel];
  entry.status.set_newest_record(newest);
  judge(entry);
}

}  // namespace rdpmend
