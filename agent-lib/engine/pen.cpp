#include "agent-lib/engine/pen.hpp"

namespace rdpmend {

void Pen::take(std::uint64_t holder, std::function<void()> then) {
  if (holder_ == holder) return then();
  if (closed_) return;
  if (holder_ != 0) {
    waiting_.emplace_back(holder, std::move(then));
    return;
  }
  holder_ = holder;
  then();
}

void Pen::give_back(std::uint64_t holder) {
  std::erase_if(waiting_, [&](const auto& waits) { return waits.first == holder; });
  if (holder_ != holder) return;
  holder_ = 0;
  if (waiting_.empty()) return;
  auto [next, then] = std::move(waiting_.front());
  waiting_.pop_front();
  holder_ = next;
  then();
}

void Pen::close() {
  closed_ = true;
  waiting_.clear();
}

}  // namespace rdpmend
