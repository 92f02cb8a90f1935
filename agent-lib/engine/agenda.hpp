// What the engine has to do by itself, and when: the one owner of its time. Whoever wants something done later says so
// here and nowhere else, and the owner's timer hears of it by itself.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "agent-lib/host/clock.hpp"
#include "agent-lib/support/time.hpp"

namespace rdpmend {

class Agenda {
 public:
  explicit Agenda(const Clock& clock) : clock_(clock) {}
  Agenda(const Agenda&) = delete;
  Agenda& operator=(const Agenda&) = delete;

  // All of this on the engine's executor. `task` is called once, by the first run_due() from `due` on. What was due
  // under that name before is replaced.
  void at(std::string_view name, SteadyTime due, std::function<void()> task);
  // The same, but what is due sooner under that name already stays.
  void not_later_than(std::string_view name, SteadyTime due, std::function<void()> task);
  void cancel(std::string_view name);
  std::optional<SteadyTime> due(std::string_view name) const;

  // nullopt: nothing is to be done.
  std::optional<SteadyTime> next() const;
  // Whoever owns the timer is told whenever next() has changed.
  void set_on_change(std::function<void()> changed) { changed_ = std::move(changed); }
  // Does what is due now, the longest due first. A task that is due at once again waits for the next call.
  void run_due();

  // Nothing is to be done any more, and nothing is taken on.
  void close();

 private:
  struct Entry {
    SteadyTime due;
    std::function<void()> task;
  };

  // Calls `change`, and tells the owner if the next time is another one then.
  template <class Change>
  void changing(Change change);

  const Clock& clock_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::function<void()> changed_;
  bool closed_ = false;
};

}  // namespace rdpmend
