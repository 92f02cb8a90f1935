// The benchmarks' main: the same program is also the server that one of them measures.
#include <benchmark/benchmark.h>

#include <cstring>

#include "tests/bench/rpc_server.hpp"

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], rdpmend::bench::k_serve) == 0) return rdpmend::bench::serve();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
