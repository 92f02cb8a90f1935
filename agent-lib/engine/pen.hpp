// The right to write to the host: one repair at a time has it, from looking at what it will change to the last step, or
// whoever lends.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <utility>

namespace rdpmend {

// On the engine's executor. A repair holds it under the number of its incident.
class Pen {
 public:
  // What no incident has.
  static constexpr std::uint64_t k_lending = ~std::uint64_t{0};
  static constexpr std::uint64_t k_giving_back = k_lending - 1;

  // `then` is called once the holder has the pen: now, or when those before it have given it back. Whoever has it
  // already goes on with it.
  void take(std::uint64_t holder, std::function<void()> then);
  bool free() const { return holder_ == 0; }
  // Nothing happens if it is another's, or waited for: then the holder waits no longer.
  void give_back(std::uint64_t holder);
  // Whoever waits gets it no more. The holder keeps it.
  void close();

 private:
  std::uint64_t holder_ = 0;  // 0: nobody.
  std::deque<std::pair<std::uint64_t, std::function<void()>>> waiting_;
  bool closed_ = false;
};

}  // namespace rdpmend
