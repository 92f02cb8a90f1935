#include "service/event_log/event_feed.hpp"

#include <charconv>
#include <exception>
#include <utility>

#include "agent-lib/support/log.hpp"
#include "service/os/private_file.hpp"

namespace rdpmend {

namespace {
constexpr std::chrono::seconds k_try_again{30};  // The log may be full, or its service down.
constexpr std::size_t k_page = 100;
constexpr std::size_t k_longest_cursor = 64;
}  // namespace

EventFeed::EventFeed(const Journal& journal, std::filesystem::path cursor_file, Tell tell)
    : journal_(journal), cursor_file_(std::move(cursor_file)), tell_(std::move(tell)) {
  load_cursor();
  thread_ = std::thread([this] { run(); });
}

EventFeed::~EventFeed() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void EventFeed::grew() {
  {
    const std::scoped_lock lock(mutex_);
    grew_ = true;
  }
  changed_.notify_all();
}

void EventFeed::tell_now(EventMessage message) {
  {
    const std::scoped_lock lock(mutex_);
    urgent_ = std::move(message);
    grew_ = true;
  }
  changed_.notify_all();
}

void EventFeed::tell_urgent() {
  std::optional<EventMessage> message;
  {
    const std::scoped_lock lock(mutex_);
    message = std::exchange(urgent_, std::nullopt);
  }
  if (!message) return;
  const auto done = tell_(*message);
  if (done) return;
  log::warning("event log: {}", to_string(done.error()));
  const std::scoped_lock lock(mutex_);
  if (!urgent_) urgent_ = std::move(message);
}

void EventFeed::run() {
  for (bool last = false; !last;) {
    {
      std::unique_lock lock(mutex_);
      const auto changed = [this] { return grew_ || stopping_; };
      if (failing_ || urgent_) {
        changed_.wait_for(lock, k_try_again, changed);
      } else {
        changed_.wait(lock, changed);
      }
      grew_ = false;
      last = stopping_;
    }
    try {
      tell_urgent();
      catch_up();
    } catch (const std::exception& error) {
      log::error("event log: {}", error.what());
    }
  }
}

void EventFeed::catch_up() {
  while (true) {
    const auto page = journal_.read(cursor_, k_page);
    if (!page) return log::warning("event log: {}", to_string(page.error()));
    if (page->empty()) return;
    bool told = false;
    Status done;
    for (const auto& entry : *page) {
      done = tell(entry, told);
      if (!done) break;
      cursor_ = entry.seq();
    }
    // Only then: what lies between is looked at again after a crash, and still not told.
    if (told) keep_cursor();
    if (!done && !failing_) log::warning("event log: {}", to_string(done.error()));
    failing_ = !done;
    if (failing_) return;
  }
}

Status EventFeed::tell(const v1::JournalEntry& entry, bool& told) {
  const auto message = to_event(entry);
  if (!message) return {};
  auto done = tell_(*message);
  told |= done.has_value();
  return done;
}

void EventFeed::load_cursor() {
  const auto newest = journal_.range().last_seq;
  cursor_ = newest > k_newest_entries ? newest - k_newest_entries : 0;
  const auto text = read_small_file(cursor_file_, k_longest_cursor);
  if (!text) return;
  std::uint64_t kept = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), kept);
  // Of a longer journal than this one: that was set aside as damaged.
  if (error == std::errc{} && end == text->data() + text->size()) cursor_ = kept <= newest ? kept : 0;
}

void EventFeed::keep_cursor() {
  if (const auto kept = write_private_file(cursor_file_, std::to_string(cursor_)); !kept)
    log::warning("event log: {}", to_string(kept.error()));
}

}  // namespace rdpmend
