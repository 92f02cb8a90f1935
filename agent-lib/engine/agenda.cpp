#include "agent-lib/engine/agenda.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace rdpmend {

template <class Change>
void Agenda::changing(Change change) {
  const auto before = next();
  change();
  if (changed_ && next() != before) changed_();
}

void Agenda::at(std::string_view name, SteadyTime due, std::function<void()> task) {
  if (closed_) return;
  changing([&] { entries_.insert_or_assign(std::string(name), Entry{due, std::move(task)}); });
}

void Agenda::not_later_than(std::string_view name, SteadyTime due, std::function<void()> task) {
  const auto already = this->due(name);
  if (!already || due < *already) at(name, due, std::move(task));
}

void Agenda::cancel(std::string_view name) {
  changing([&] {
    if (const auto found = entries_.find(name); found != entries_.end()) entries_.erase(found);
  });
}

std::optional<SteadyTime> Agenda::due(std::string_view name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? std::nullopt : std::optional(found->second.due);
}

std::optional<SteadyTime> Agenda::next() const {
  const auto soonest = std::min_element(entries_.begin(), entries_.end(),
                                        [](const auto& a, const auto& b) { return a.second.due < b.second.due; });
  return soonest == entries_.end() ? std::nullopt : std::optional(soonest->second.due);
}

void Agenda::run_due() {
  const auto now = clock_.steady();
  std::vector<std::pair<SteadyTime, std::string>> ripe;
  for (const auto& [name, entry] : entries_) {
    if (entry.due <= now) ripe.emplace_back(entry.due, name);
  }
  std::sort(ripe.begin(), ripe.end());
  for (const auto& [due, name] : ripe) {
    const auto found = entries_.find(name);
    // A task before it may have called it off, or put it off.
    if (found == entries_.end() || found->second.due != due) continue;
    std::function<void()> task;
    changing([&] {
      task = std::move(found->second.task);
      entries_.erase(found);
    });
    task();
  }
}

void Agenda::close() {
  changing([&] { entries_.clear(); });
  closed_ = true;
}

}  // namespace rdpmend
