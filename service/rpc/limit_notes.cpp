#include "service/rpc/limit_notes.hpp"

namespace rdpmend {

namespace {

constexpr std::chrono::minutes k_between_notes{1};
// Beyond it they are told of together, without an address.
constexpr std::size_t k_most_kinds = 64;

}  // namespace

void LimitNotes::note(const std::string& client, const std::string& peer, const std::string& reason, Time now) {
  Key key{client, peer, reason};
  if (counts_.size() >= k_most_kinds && !counts_.contains(key)) key = {"", "", reason};
  const auto [at, first] = counts_.try_emplace(key, Count{now});
  if (!first) {
    ++at->second.more;
    return;
  }
  write(key, 1);
}

bool LimitNotes::flush(Time now) {
  for (auto at = counts_.begin(); at != counts_.end();) {
    auto& [since, more] = at->second;
    if (now - since < k_between_notes) {
      ++at;
    } else if (more == 0) {
      at = counts_.erase(at);
    } else {
      write(at->first, std::exchange(more, 0));
      since = now;
      ++at;
    }
  }
  return !counts_.empty();
}

void LimitNotes::finish() {
  for (const auto& [key, count] : counts_)
    if (count.more != 0) write(key, count.more);
  counts_.clear();
}

void LimitNotes::write(const Key& key, std::uint64_t count) {
  v1::ConnectionLimited entry;
  entry.set_client(std::get<0>(key));
  entry.set_peer(std::get<1>(key));
  entry.set_reason(std::get<2>(key));
  entry.set_count(count);
  write_(std::move(entry));
}

}  // namespace rdpmend
