#include "agent-lib/sim/sim_machine.hpp"

#include <algorithm>

namespace rdpmend::sim {

SimMachine::SimMachine(World world) : world_(std::move(world)) {
  finish();
  reachable_changed_ = false;
  if (world_.options.real_time) ticker_ = std::jthread([this](const std::stop_token& stop) { run_ticker(stop); });
}

SimMachine::~SimMachine() = default;

SteadyTime SimMachine::elapsed() const {
  return world_.options.real_time ? skipped_ + (std::chrono::steady_clock::now() - start_) : skipped_;
}

bool SimMachine::settle() {
  const auto now = elapsed();
  bool any = false;
  while (!world_.agenda.empty() && world_.agenda.begin()->first <= now) {
    auto due = world_.agenda.extract(world_.agenda.begin());
    world_.moment = std::max(world_.moment, due.key());
    due.mapped()(world_);
    follow_listener(world_);
    any = true;
  }
  world_.moment = std::max(world_.moment, now);
  return any;
}

void SimMachine::finish() {
  follow_listener(world_);
  const std::pair reachable_now{reachable(world_, Vantage::loopback), reachable(world_, Vantage::outside)};
  if (reachable_now != reachable_) reachable_changed_ = true;
  reachable_ = reachable_now;
  happened_.notify_all();
}

void SimMachine::tell() {
  {
    const std::scoped_lock lock(mutex_);
    if (!reachable_changed_ && world_.stories.empty()) return;
  }
  const std::scoped_lock telling(telling_);
  std::vector<std::string> stories;
  bool changed = false;
  {
    const std::scoped_lock lock(mutex_);
    if (on_story_) stories.swap(world_.stories);
    changed = std::exchange(reachable_changed_, false);
  }
  for (const auto& story : stories) on_story_(story);
  if (changed && on_change_) on_change_();
}

void SimMachine::run_ticker(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    settle();
    finish();
    lock.unlock();
    tell();
    lock.lock();
    const auto next = [this] { return world_.agenda.empty() ? SteadyTime::max() : world_.agenda.begin()->first; };
    const auto due = next();
    if (due <= elapsed()) continue;
    const auto sooner = [&] { return next() < due || due <= elapsed(); };
    if (due == SteadyTime::max()) {
      happened_.wait(lock, stop, sooner);
    } else {
      happened_.wait_until(lock, stop, start_ + (due - skipped_), sooner);
    }
  }
}

bool SimMachine::wait_for(Duration duration, const std::stop_token& stop) {
  if (stop.stop_requested()) return false;
  if (!world_.options.real_time) {
    advance(duration);
    return true;
  }
  std::mutex nobody_elses;
  std::condition_variable_any over;
  std::unique_lock lock(nobody_elses);
  over.wait_for(lock, stop, duration, [] { return false; });
  return !stop.stop_requested();
}

void SimMachine::advance(Duration duration) {
  {
    const std::scoped_lock lock(mutex_);
    skipped_ += std::max(duration, Duration::zero());
  }
  locked([](World&) {});
}

void SimMachine::wait_until_done(Duration at_most, const std::stop_token& stop,
                                 const std::function<bool(const World&)>& done) {
  std::unique_lock lock(mutex_);
  const auto deadline = elapsed() + at_most;
  const auto over = [&] { return done(world_) || elapsed() >= deadline; };
  if (world_.options.real_time) {
    happened_.wait_until(lock, stop, start_ + (deadline - skipped_), over);
  } else {
    happened_.wait(lock, stop, over);
  }
}

void SimMachine::nudge() {
  const std::scoped_lock lock(mutex_);
  happened_.notify_all();
}

void SimMachine::set_on_change(std::function<void()> changed) {
  const std::scoped_lock telling(telling_);
  on_change_ = std::move(changed);
}

void SimMachine::set_on_story(std::function<void(const std::string&)> on_story) {
  {
    const std::scoped_lock telling(telling_);
    on_story_ = std::move(on_story);
  }
  tell();  // What happened before anybody listened.
}

}  // namespace rdpmend::sim
