// Stands in for libFuzzer where there is none: the seed corpus as it is, then changed at random for two seconds.
// The same seed gives the same inputs: RDPMEND_FUZZ_SEED=n repeats a run that failed.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <random>

#include "tests/fuzz/fuzz_target.hpp"

namespace {

using Random = std::mt19937_64;

constexpr auto k_duration = std::chrono::seconds{2};
constexpr std::size_t k_max_bytes = 1 << 16;

std::size_t below(Random& random, std::size_t limit) {
  return static_cast<std::size_t>(random() % limit);
}

void change(std::string& input, const std::string& other, Random& random) {
  const auto at = below(random, input.size() + 1);
  const auto count = 1 + below(random, 8);
  switch (below(random, 6)) {
    case 0:
      if (at < input.size()) input[at] = static_cast<char>(random());
      break;
    case 1:
      if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << below(random, 8)));
      break;
    case 2: input.erase(at, count); break;
    case 3: input.insert(at, count, static_cast<char>(random())); break;
    case 4: input.resize(at); break;
    default: {  // A piece of another input.
      const auto from = below(random, other.size() + 1);
      input.insert(at, other, from, below(random, other.size() - from + 1));
    }
  }
  if (input.size() > k_max_bytes) input.resize(k_max_bytes);
}

void run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

std::uint64_t choose_seed() {
  if (const char* given = std::getenv("RDPMEND_FUZZ_SEED")) return std::strtoull(given, nullptr, 10);
  return std::random_device{}();
}

}  // namespace

int main() {
  const auto corpus = rdpmend::fuzz::seed_corpus();
  const auto seed = choose_seed();
  std::printf("RDPMEND_FUZZ_SEED=%llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);  // Before anything can crash.

  run("");
  for (const auto& input : corpus) run(input);
  Random random{seed};
  std::size_t rounds = 0;
  for (const auto end = std::chrono::steady_clock::now() + k_duration; std::chrono::steady_clock::now() < end;
       ++rounds) {
    auto input = corpus[below(random, corpus.size())];
    for (auto changes = 1 + below(random, 6); changes > 0; --changes)
      change(input, corpus[below(random, corpus.size())], random);
    run(input);
  }
  std::printf("%zu inputs\n", corpus.size() + rounds);
}
