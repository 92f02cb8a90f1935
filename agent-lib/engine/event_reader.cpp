#include "agent-lib/engine/event_reader.hpp"

#include <algorithm>
#include <exception>
#include <mutex>
#include <utility>

#include "agent-lib/support/log.hpp"
#include "agent-lib/support/steady_condition.hpp"

namespace rdpmend {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t k_batch_events = 128;

// Newest record against the last one that was read, for each channel; with the second look, silence is found within a
// minute.
constexpr Duration k_look_every = 45s;
constexpr Duration k_look_again = 2s;  // A read may be under way.
// Where opening it anew did not help, or the look itself costs the host much.
constexpr Duration k_look_seldom = 1h;
constexpr int k_look_share = 20;  // A look may take a twentieth of the time.
constexpr Duration k_service_down = 5s;

// Events in a row that could not be had even alone. More are no event's fault.
constexpr std::size_t k_most_passed_over = 16;

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
  // Blocks while credits are out and none has come back since then, or the time is over. False: none was out and none
  // came back, so that every subscription has been read to its end.
  bool wait_for_return(std::uint64_t since, const std::stop_token& stop, Duration at_most) {
    std::unique_lock lock(mutex_);
    if (out_ == 0 && returns_ == since) return false;
    returned_.wait_for(lock, stop, at_most, [&] { return returns_ != since; });
    return true;
  }

 private:
  mutable std::mutex mutex_;
  SteadyCondition returned_;
  std::vector<bool> free_;
  std::size_t out_ = 0;
  std::uint64_t returns_ = 0;
};

EventReader::EventReader(const HostControl& host, const std::vector<ChannelQuery>& queries,
                         const std::map<std::string, std::string>& bookmarks, Sinks sinks)
    : host_(host), sinks_(std::move(sinks)), credits_(std::make_shared<Credits>(queries.size())) {
  for (const auto& query : queries) {
    auto& source = sources_.emplace_back();
    source.query = query;
    source.number = sources_.size() - 1;
    source.look_every = k_look_every;
    if (const auto known = bookmarks.find(query.channel); known != bookmarks.end()) {
      source.bookmark = known->second;
      source.read_up_to = bookmarked_record(known->second);
    }
    book_.add(query.channel, source.read_up_to.value_or(0));
  }
}

EventReader::~EventReader() {
  stop();
}

void EventReader::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void EventReader::stop() {
  note_tried();
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

bool EventReader::wait_until_tried(Duration at_most) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, at_most, [&] { return tried_; });
}

void EventReader::note_tried() {
  const std::scoped_lock lock(mutex_);
  if (std::exchange(tried_, true)) return;
  changed_.notify_all();
}

void EventReader::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::string escaped;
    try {
      const auto returns = credits_->returns();
      const auto again = read_once();
      // A channel whose credit is out has news for wait(), but not for us.
      if (!credits_->wait_for_return(returns, stop, again)) host_.events.wait(stop, again);
      continue;
    } catch (const std::exception& error) {
      escaped = error.what();
    } catch (...) {
      escaped = "an unknown exception";
    }
    sinks_.report("event reader", escaped);
    host_.clock.wait_for(k_failing.first, stop);
  }
  // Subscriptions are closed by the thread that opened them.
  for (auto& source : sources_) source.subscription.reset();
}

Duration EventReader::read_once() {
  look_at_service();
  for (auto& source : sources_) {
    source.hurry = false;
    serve(source);
    look(source);
  }
  note_tried();
  auto again = look_at_service_ - now();
  for (const auto& source : sources_) again = std::min(again, until_next(source));
  return std::max(again, Duration::zero());
}

Duration EventReader::until_next(const Source& source) const {
  if (source.hurry) return Duration::zero();
  if (!source.subscription) return source.retry_at - now();
  // While the engine has a batch of it, the reader is not behind by its own fault.
  return credits_->has(source.number) ? source.look_at - now() : k_look_every;
}

void EventReader::serve(Source& source) {
  if (!source.subscription && !open(source)) return;
  if (!credits_->has(source.number)) return;
  auto batch = source.subscription->next(source.singly > 0 ? 1 : k_batch_events);
  if (!batch) return failed(source, batch.error());
  source.back_off = Duration::zero();
  if (batch->xml.empty()) {
    source.singly = 0;
  } else {
    if (source.singly > 0) --source.singly;
    source.passed_over = 0;
    source.unread_end = false;
  }
  batch->gap |= std::exchange(source.gap, false);
  if (batch->xml.empty() && !batch->gap) return;

  hand_over(source, std::move(*batch));
}

void EventReader::hand_over(Source& source, EventBatch batch) {
  auto bookmark = batch.bookmark;
  credits_->spend(source.number);
  try {
    sinks_.take(source.query.channel, std::move(batch),
                [credits = credits_, number = source.number] { credits->give_back(number); });
  } catch (...) {
    // Read again from the bookmark before this batch.
    credits_->give_back(source.number);
    close(source);
    throw;
  }
  if (bookmark.empty()) return;
  if (const auto record = bookmarked_record(bookmark)) source.read_up_to = *record;
  source.bookmark = std::move(bookmark);
  source.look_every = k_look_every;
  source.look_at = std::min(source.look_at, now() + k_look_every);
  book_.read(source.number, source.read_up_to.value_or(0), host_.clock.now());
}

bool EventReader::open(Source& source) {
  if (now() < source.retry_at) return false;
  source.service_pid = service_pid();
  auto opened = subscribe(source);
  if (!opened && opened.error().code == ErrorCode::corrupt && source.bookmark) {
    log::warning("the bookmark of channel {} is of no use: {}", source.query.channel, opened.error().what);
    auto useless = std::exchange(source.bookmark, std::nullopt);
    opened = subscribe(source);
    if (opened) source.gap = true;
    if (!opened) source.bookmark = std::move(useless);
  }
  if (!opened) {
    retry_later(source, opened.error());
    return false;
  }
  source.subscription = std::move(*opened);
  source.looked_up_to.reset();
  source.suspicion.reset();
  source.look_at = now() + source.look_every;
  book_.opened(source.number, source.read_up_to.value_or(0));
  if (const auto what = std::exchange(source.reopening, std::nullopt)) {
    book_.reopened(source.number, host_.clock.now());
    sinks_.reopened(*what);
  }
  return true;
}

Result<std::unique_ptr<EventSubscription>> EventReader::subscribe(Source& source) {
  if (source.bookmark) return host_.events.subscribe(source.query, source.bookmark);
  // It begins with the future. Where that begins is asked before, so that it can be opened anew after that place
  // although it has not given anything yet; what falls in between is then found missing.
  const auto held = host_.events.records(source.query.channel);
  auto opened = host_.events.subscribe(source.query, std::nullopt);
  if (!opened) return opened;
  source.read_up_to.reset();
  if (!held) return opened;
  source.read_up_to = held->newest();
  source.bookmark = bookmark_after(source.query.channel, held->newest());
  return opened;
}

// Without a bookmark there is no going back to what is logged until it is opened again.
void EventReader::close(Source& source) {
  source.subscription.reset();
  if (!source.bookmark) source.gap = true;
}

void EventReader::failed(Source& source, const Error& error) {
  if (error.code == ErrorCode::exhausted) return read_singly(source, error);
  // A log that was cleared, or has wrapped, ends a subscription that is well. Else the others may be dead, too.
  if (error.code != ErrorCode::corrupt) {
    look_at_service_ = now();
    auto& what = source.reopening.emplace();
    what.set_channel(source.query.channel);
    what.set_reason(error.what);
    what.set_last_read_record(source.read_up_to.value_or(0));
  }
  retry_later(source, error);
}

void EventReader::retry_later(Source& source, const Error& error) {
  const bool first = source.back_off == Duration::zero();
  const auto& limits = error.code == ErrorCode::not_found ? k_missing : k_failing;
  source.back_off = std::clamp(source.back_off * 2, limits.first, limits.longest);
  source.retry_at = now() + source.back_off;
  close(source);
  book_.closed(source.number, error);
  log::line(first ? log::Level::warning : log::Level::debug, "channel {} cannot be read, again in {}: {}",
            source.query.channel, to_human(source.back_off), to_string(error));
}

// --- events that do not fit into one answer ---

void EventReader::read_singly(Source& source, const Error& error) {
  source.hurry = true;
  if (source.singly == 0) {
    log::info("channel {} is read one event at a time for a while: {}", source.query.channel, to_string(error));
    source.singly = k_batch_events;
    return close(source);
  }
  // The subscription is behind it already.
  log::warning("an event of channel {}, after record {}, cannot be had and is passed over: {}", source.query.channel,
               source.read_up_to.value_or(0), to_string(error));
  source.gap = true;
  source.unread_end = true;
  if (++source.passed_over >= k_most_passed_over) give_up_unread(source);
}

// Nothing says that a subscription that fails again and again moves on.
void EventReader::give_up_unread(Source& source) {
  source.passed_over = 0;
  source.singly = 0;
  source.subscription.reset();
  const auto held = host_.events.records(source.query.channel);
  if (!held) return retry_later(source, held.error());
  log::warning("what channel {} holds up to record {} is passed over", source.query.channel, held->newest());
  go_on_after(source, held->newest());
}

void EventReader::go_on_after(Source& source, std::uint64_t record) {
  source.unread_end = false;
  source.read_up_to = record;
  source.bookmark = bookmark_after(source.query.channel, record);
}

// --- silence ---

std::uint32_t EventReader::service_pid() const {
  const auto found = host_.services.find(service_name::k_event_log);
  if (!found || !*found || (*found)->run != ServiceRun::running) return 0;
  return (*found)->pid;
}

// Whoever restarts the event log service kills all subscriptions (measured.md E1, E3).
void EventReader::look_at_service() {
  if (now() < look_at_service_) return;
  const auto pid = service_pid();
  look_at_service_ = now() + (pid == 0 ? k_service_down : k_look_every);
  if (pid == 0) return;  // It does not run, or cannot be seen. No time to open anything.
  for (auto& source : sources_) {
    if (!source.subscription) continue;
    const auto before = std::exchange(source.service_pid, pid);
    if (before != 0 && before != pid) reopen(source, "the event log service was restarted", 0);
  }
}

void EventReader::look(Source& source) {
  if (!source.subscription || now() < source.look_at || !credits_->has(source.number)) return;
  const auto began = now();
  const auto unread = newest_unread(source);
  source.look_at = now() + std::max(source.look_every, (now() - began) * k_look_share);
  if (!unread) return source.suspicion.reset();
  if (!source.suspicion || source.suspicion->read != *source.read_up_to) {
    source.suspicion = Suspicion{*source.read_up_to, *unread};
    source.look_at = now() + k_look_again;
    return;
  }
  // What was passed over is the newest one, and was said.
  if (source.unread_end) {
    go_on_after(source, source.suspicion->newest);
    book_.opened(source.number, source.suspicion->newest);
    return source.suspicion.reset();
  }
  // Should that not help, it is not done for ever at the same rate.
  source.look_every = std::min(source.look_every * 2, k_look_seldom);
  reopen(source, "newer records are there, and it does not give them", *unread);
}

std::optional<std::uint64_t> EventReader::newest_unread(Source& source) {
  const auto held = host_.events.records(source.query.channel);
  if (held && !source.suspicion && source.looked_up_to == held->newest()) return std::nullopt;  // Nothing was logged.
  const auto newest = host_.events.newest(source.query);
  if (!newest) {
    log::debug("cannot tell whether channel {} is silent: {}", source.query.channel, to_string(newest.error()));
    return std::nullopt;
  }
  if (!source.read_up_to) source.read_up_to = *newest;
  book_.seen(source.number, *newest);
  if (*newest > *source.read_up_to) return *newest;
  if (held) source.looked_up_to = held->newest();
  source.look_every = k_look_every;
  return std::nullopt;
}

void EventReader::reopen(Source& source, const std::string& reason, std::uint64_t newest) {
  log::warning("channel {} is opened anew: {}", source.query.channel, reason);
  auto& what = source.reopening.emplace();
  what.set_channel(source.query.channel);
  what.set_reason(reason);
  what.set_last_read_record(source.read_up_to.value_or(0));
  what.set_newest_record(newest);
  close(source);
  source.retry_at = SteadyTime::min();
  if (open(source)) serve(source);
}

}  // namespace rdpmend
