// A service that only runs: for those that matter to the product by their state and their start type alone.
#include "tests/wine/lab/text.hpp"
#include "tests/wine/lab/windows_service.hpp"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  return rdpmend::lab::run_service(rdpmend::lab::widen(argv[1]),
                                   [](HANDLE stop) { WaitForSingleObject(stop, INFINITE); });
}
