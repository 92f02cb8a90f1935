// Brings the seed corpus to libFuzzer without files: now and then a mutation begins from a seed instead of its input.
#include <algorithm>

#include "tests/fuzz/fuzz_target.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned int random) {
  static const auto k_corpus = rdpmend::fuzz::seed_corpus();
  constexpr unsigned int k_one_in = 16;
  if (random % k_one_in == 0) {
    const auto& seed = k_corpus[random / k_one_in % k_corpus.size()];
    size = std::min(seed.size(), max_size);
    std::copy_n(seed.begin(), size, data);
  }
  return LLVMFuzzerMutate(data, size, max_size);
}
