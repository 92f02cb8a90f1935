// So much at once, and so much a second over time.
#pragma once

#include <algorithm>
#include <chrono>

#include "agent-lib/support/time.hpp"

namespace rdpmend {

struct Rate {
  double at_once;
  double per_second;
};

class RateLimit {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit RateLimit(Rate rate) : rate_(rate), left_(rate.at_once) {}

  // Takes it in any case. How long it takes until that much was allowed; zero: it is.
  Duration take(double amount, Time now) {
    left_ = refilled(now) - amount;
    since_ = now;
    if (left_ >= 0) return Duration::zero();
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(-left_ / rate_.per_second));
  }
  // Nothing is remembered of it any more.
  bool rested(Time now) const { return refilled(now) >= rate_.at_once; }

 private:
  double refilled(Time now) const {
    const std::chrono::duration<double> passed = now - since_;
    return std::min(rate_.at_once, left_ + passed.count() * rate_.per_second);
  }

  Rate rate_;
  double left_;
  Time since_{};
};

}  // namespace rdpmend
