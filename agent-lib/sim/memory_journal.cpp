#include "agent-lib/sim/memory_journal.hpp"

#include <algorithm>
#include <deque>
#include <mutex>

#include "agent-lib/record/journal_chain.hpp"
#include "agent-lib/sim/fault_injector.hpp"

namespace rdpmend::sim {

class MemoryJournal::Impl {
 public:
  Status append(std::vector<v1::JournalEntry>& entries, const std::optional<Bookmark>& bookmark) {
    std::function<void(std::uint64_t)> listener;
    std::uint64_t newest = 0;
    bool crash = false;
    {
      const std::scoped_lock lock(mutex_);
      if (failure_) return fail(*failure_);
      for (auto& entry : entries) seal(entry);
      if (bookmark) bookmarks_[bookmark->channel] = bookmark->text;
      ++appends_;
      crash = appends_until_crash_ != 0 && --appends_until_crash_ == 0;
      listener = listener_;
      newest = last_seq_;
    }
    if (crash) throw Crash{"journal append " + std::to_string(newest)};
    if (listener) listener(newest);
    return {};
  }

  Status prune(WallTime now, std::uint64_t keep_from_seq) {
    v1::JournalEntry record;
    *record.mutable_time() = to_proto(now);
    {
      const std::scoped_lock lock(mutex_);
      if (failure_) return fail(*failure_);
      auto& pruned = *record.mutable_pruned();
      while (!entries_.empty() && entries_.front().seq() < keep_from_seq) {
        if (pruned.first_seq() == 0) pruned.set_first_seq(entries_.front().seq());
        pruned.set_last_seq(entries_.front().seq());
        pruned.set_last_hash(entries_.front().hash());
        bytes_ -= entries_.front().ByteSizeLong();
        entries_.pop_front();
      }
      wants_pruning_ = false;
      if (pruned.first_seq() == 0) return {};
    }
    std::vector<v1::JournalEntry> entries{std::move(record)};
    return append(entries, std::nullopt);
  }

  mutable std::mutex mutex_;
  std::deque<v1::JournalEntry> entries_;
  std::uint64_t last_seq_ = 0;
  std::uint64_t bytes_ = 0;
  std::string last_hash_ = journal_genesis_hash();
  std::map<std::string, std::string> bookmarks_;
  std::function<void(std::uint64_t)> listener_;
  std::uint64_t appends_ = 0;
  std::uint64_t appends_until_crash_ = 0;  // 0: never.
  std::optional<Error> failure_;
  bool wants_pruning_ = false;

 private:
  void seal(v1::JournalEntry& entry) {
    seal_entry(entry, ++last_seq_, last_hash_);
    last_hash_ = entry.hash();
    bytes_ += entry.ByteSizeLong();
    entries_.push_back(entry);
  }
};

MemoryJournal::MemoryJournal() : impl_(std::make_unique<Impl>()) {}
MemoryJournal::~MemoryJournal() = default;

Status MemoryJournal::append(std::vector<v1::JournalEntry>& entries, const std::optional<Bookmark>& bookmark) {
  return impl_->append(entries, bookmark);
}

Result<std::vector<v1::JournalEntry>> MemoryJournal::read(std::uint64_t after_seq, std::size_t max,
                                                          std::uint64_t incident_id) const {
  const std::scoped_lock lock(impl_->mutex_);
  std::vector<v1::JournalEntry> page;
  const auto from = std::ranges::upper_bound(impl_->entries_, after_seq, {}, &v1::JournalEntry::seq);
  for (auto at = from; at != impl_->entries_.end() && page.size() < max; ++at) {
    const bool opens = at->has_incident_opened() && at->seq() == incident_id;
    if (incident_id == 0 || at->incident_id() == incident_id || opens) page.push_back(*at);
  }
  return page;
}

Result<std::optional<v1::JournalEntry>> MemoryJournal::last_checkpoint() const {
  const std::scoped_lock lock(impl_->mutex_);
  for (auto at = impl_->entries_.rbegin(); at != impl_->entries_.rend(); ++at) {
    if (at->has_checkpoint()) return *at;
  }
  return std::nullopt;
}

Result<std::map<std::string, std::string>> MemoryJournal::bookmarks() const {
  const std::scoped_lock lock(impl_->mutex_);
  return impl_->bookmarks_;
}

JournalRange MemoryJournal::range() const {
  const std::scoped_lock lock(impl_->mutex_);
  if (impl_->entries_.empty()) return {};
  return {impl_->entries_.front().seq(), impl_->entries_.back().seq(), impl_->bytes_};
}

bool MemoryJournal::wants_pruning(WallTime) const {
  const std::scoped_lock lock(impl_->mutex_);
  return impl_->wants_pruning_;
}

Status MemoryJournal::prune(WallTime now, std::uint64_t keep_from_seq) {
  return impl_->prune(now, keep_from_seq);
}

void MemoryJournal::set_listener(std::function<void(std::uint64_t)> listener) {
  const std::scoped_lock lock(impl_->mutex_);
  impl_->listener_ = std::move(listener);
}

void MemoryJournal::crash_after_append(std::uint64_t n) {
  const std::scoped_lock lock(impl_->mutex_);
  impl_->appends_until_crash_ = n;
}

void MemoryJournal::fail_appends(std::optional<Error> error) {
  const std::scoped_lock lock(impl_->mutex_);
  impl_->failure_ = std::move(error);
}

void MemoryJournal::want_pruning(bool want) {
  const std::scoped_lock lock(impl_->mutex_);
  impl_->wants_pruning_ = want;
}

std::uint64_t MemoryJournal::appends() const {
  const std::scoped_lock lock(impl_->mutex_);
  return impl_->appends_;
}

}  // namespace rdpmend::sim
