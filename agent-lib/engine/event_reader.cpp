#include "agent-lib/engine/event_reader.hpp"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <utility>

#include "agent-lib/support/log.hpp"

namespace rdpmend {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t k_batch_events = 128;
constexpr Duration k_idle = 1h;  // Events and credits wake the reader; this is for nothing but a bound.
// When the event log service restarts, subscriptions die and nothing signals (measured.md E1): so all are read unasked.
constexpr Duration k_unasked = 1min;

struct BackOff {
  Duration first;
  Duration longest;
};
// A channel that does not exist belongs to a role that is not installed; it seldom appears.
constexpr BackOff k_missing{1min, 1h};
constexpr BackOff k_failing{1s, 1min};

}  // namespace

// Who may hand over a batch. Shared with the callbacks that give credits back, which may come after the reader's end.
class EventReader::Credits {
 public:
  explicit Credits(std::size_t sources) : free_(sources, true) {}

  bool has(std::size_t source) const {
    const std::scoped_lock lock(mutex_);
    return free_[source];
  }
  void spend(std::size_t source) {
    const std::scoped_lock lock(mutex_);
    free_[source] = false;
    ++out_;
  }
  void give_back(std::size_t source) {
    const std::scoped_lock lock(mutex_);
    if (free_[source]) return;
    free_[source] = true;
    --out_;
    ++returns_;
    returned_.notify_all();
  }
  std::uint64_t returns() const {
    const std::scoped_lock lock(mutex_);
    return returns_;
  }
  // Blocks while credits are out and none has come back since then. False: none was out and none came back, so that
  // every subscription has been read to its end.
  bool wait_for_return(std::uint64_t since, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    if (out_ == 0 && returns_ == since) return false;
    returned_.wait_for(lock, stop, k_idle, [&] { return returns_ != since; });
    return true;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable_any returned_;
  std::vector<bool> free_;
  std::size_t out_ = 0;
  std::uint64_t returns_ = 0;
};

EventReader::EventReader(EventChannels& channels, const Clock& clock, const std::vector<ChannelQuery>& queries,
                         const std::map<std::string, std::string>& bookmarks, Take take, Report report)
    : channels_(channels),
      clock_(clock),
      take_(std::move(take)),
      report_(std::move(report)),
      credits_(std::make_shared<Credits>(queries.size())) {
  for (const auto& query : queries) {
    auto& source = sources_.emplace_back();
    source.query = query;
    source.number = sources_.size() - 1;
    if (const auto known = bookmarks.find(query.channel); known != bookmarks.end()) source.bookmark = known->second;
  }
}

EventReader::~EventReader() {
  stop();
}

void EventReader::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void EventReader::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

void EventReader::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::string escaped;
    try {
      const auto returns = credits_->returns();
      const auto again = read_once();
      // A channel whose credit is out has news for wait(), but not for us.
      if (!credits_->wait_for_return(returns, stop)) channels_.wait(stop, std::min(again, k_unasked));
      continue;
    } catch (const std::exception& error) {
      escaped = error.what();
    } catch (...) {
      escaped = "an unknown exception";
    }
    report_("event reader", escaped);
    clock_.wait_for(k_failing.first, stop);
  }
  // Subscriptions are closed by the thread that opened them.
  for (auto& source : sources_) source.subscription.reset();
}

Duration EventReader::read_once() {
  auto again = k_idle;
  for (auto& source : sources_) {
    serve(source);
    if (!source.subscription) again = std::min(again, source.retry_at - clock_.steady());
  }
  return std::max(again, Duration::zero());
}

void EventReader::serve(Source& source) {
  if (!source.subscription && !open(source)) return;
  if (!credits_->has(source.number)) return;
  auto batch = source.subscription->next(k_batch_events);
  if (!batch) return retry_later(source, batch.error());
  source.back_off = Duration::zero();
  batch->gap |= std::exchange(source.gap, false);
  if (batch->xml.empty() && !batch->gap) return;

  hand_over(source, std::move(*batch));
}

void EventReader::hand_over(Source& source, EventBatch batch) {
  auto bookmark = batch.bookmark;
  credits_->spend(source.number);
  try {
    take_(source.query.channel, std::move(batch),
          [credits = credits_, number = source.number] { credits->give_back(number); });
  } catch (...) {
    // Read again from the bookmark before this batch.
    credits_->give_back(source.number);
    source.subscription.reset();
    if (!source.bookmark) source.gap = true;
    throw;
  }
  if (!bookmark.empty()) source.bookmark = std::move(bookmark);
}

bool EventReader::open(Source& source) {
  if (clock_.steady() < source.retry_at) return false;
  auto opened = channels_.subscribe(source.query, source.bookmark);
  if (!opened && opened.error().code == ErrorCode::corrupt && source.bookmark) {
    log::warning("the bookmark of channel {} is of no use: {}", source.query.channel, opened.error().what);
    opened = channels_.subscribe(source.query, std::nullopt);
    if (opened) {
      source.bookmark.reset();
      source.gap = true;
    }
  }
  if (!opened) {
    retry_later(source, opened.error());
    return false;
  }
  source.subscription = std::move(*opened);
  return true;
}

void EventReader::retry_later(Source& source, const Error& error) {
  const bool first = source.back_off == Duration::zero();
  const auto& limits = error.code == ErrorCode::not_found ? k_missing : k_failing;
  source.back_off = std::clamp(source.back_off * 2, limits.first, limits.longest);
  source.retry_at = clock_.steady() + source.back_off;
  source.subscription.reset();
  // Without a bookmark there is no going back to what is logged until then.
  if (!source.bookmark) source.gap = true;
  log::line(first ? log::Level::warning : log::Level::debug, "channel {} cannot be read, again in {}: {}",
            source.query.channel, to_human(source.back_off), to_string(error));
}

}  // namespace rdpmend
