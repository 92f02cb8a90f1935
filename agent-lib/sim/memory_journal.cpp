#include "agent-lib/sim/memory_journal.hpp"

#include <algorithm>
#include <deque>
#include <functional>
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
      if (auto added = add(entries); !added) return added;
      if (bookmark) bookmarks_[bookmark->channel] = bookmark->text;
      ++appends_;
      crash = appends_until_crash_ != 0 && --appends_until_crash_ == 0;
      listener = listener_;
      newest = end_.seq;
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
      while (!rows_.empty() && rows_.front().stored.seq() < keep_from_seq) {
        const auto& oldest = rows_.front().stored;
        if (pruned.first_seq() == 0) pruned.set_first_seq(oldest.seq());
        pruned.set_last_seq(oldest.seq());
        pruned.set_last_hash(oldest.hash());
        bytes_ -= oldest.ByteSizeLong();
        rows_.pop_front();
      }
      wants_pruning_ = false;
      if (pruned.first_seq() == 0) return {};
    }
    std::vector<v1::JournalEntry> entries{std::move(record)};
    return append(entries, std::nullopt);
  }

  struct Row {
    v1::StoredEntry stored;
    std::uint64_t incident_id;
    bool is_checkpoint;
  };
  mutable std::mutex mutex_;
  std::deque<Row> rows_;
  ChainLink end_;
  std::uint64_t bytes_ = 0;
  std::map<std::string, std::string> bookmarks_;
  std::function<void(std::uint64_t)> listener_;
  std::uint64_t appends_ = 0;
  std::uint64_t appends_until_crash_ = 0;  // 0: never.
  std::optional<Error> failure_;
  bool wants_pruning_ = false;

 private:
  Status add(std::vector<v1::JournalEntry>& entries) {
    std::vector<Row> rows;
    ChainLink end = end_;
    for (auto& entry : entries) {
      auto sealed = seal_entry(entry, end);
      if (!sealed) return fail(std::move(sealed).error());
      end = link_of(*sealed);
      rows.push_back({std::move(*sealed), entry.incident_id(), entry.has_checkpoint()});
    }
    for (auto& row : rows) {
      bytes_ += row.stored.ByteSizeLong();
      rows_.push_back(std::move(row));
    }
    end_ = std::move(end);
    return {};
  }
};

MemoryJournal::MemoryJournal() : impl_(std::make_unique<Impl>()) {}
MemoryJournal::~MemoryJournal() = default;

Status MemoryJournal::append(std::vector<v1::JournalEntry>& entries, const std::optional<Bookmark>& bookmark) {
  return impl_->append(entries, bookmark);
}

Result<std::vector<v1::StoredEntry>> MemoryJournal::read_stored(std::uint64_t after_seq, std::size_t max,
                                                                std::uint64_t incident_id) const {
  const std::scoped_lock lock(impl_->mutex_);
  std::vector<v1::StoredEntry> page;
  const auto from =
      std::ranges::upper_bound(impl_->rows_, after_seq, {}, [](const Impl::Row& row) { return row.stored.seq(); });
  for (auto at = from; at != impl_->rows_.end() && page.size() < max; ++at) {
    if (incident_id == 0 || at->incident_id == incident_id) page.push_back(at->stored);
  }
  return page;
}

Result<std::optional<v1::JournalEntry>> MemoryJournal::last_checkpoint() const {
  const std::scoped_lock lock(impl_->mutex_);
  const auto newest = std::find_if(impl_->rows_.rbegin(), impl_->rows_.rend(), std::mem_fn(&Impl::Row::is_checkpoint));
  if (newest == impl_->rows_.rend()) return std::nullopt;
  auto entry = read_entry(newest->stored);
  if (!entry) return fail(std::move(entry).error());
  return std::move(*entry);
}

Result<std::map<std::string, std::string>> MemoryJournal::bookmarks() const {
  const std::scoped_lock lock(impl_->mutex_);
  return impl_->bookmarks_;
}

JournalRange MemoryJournal::range() const {
  const std::scoped_lock lock(impl_->mutex_);
  if (impl_->rows_.empty()) return {};
  return {impl_->rows_.front().stored.seq(), impl_->rows_.back().stored.seq(), impl_->bytes_};
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
