// rdpmend: the program. Everything but the process around it is in run_cli().
#include <openssl/crypto.h>

#include <iostream>

#include "cli/cli.hpp"
#include "cli/interrupt.hpp"
#include "cli/terminal.hpp"

int main(int argc, char** argv) {
  // As the service does, and why: service/main.cpp.
  OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  const rdpmend::cli::Interrupt interrupt;
  return rdpmend::cli::run_cli(argc, argv, std::cout, std::cerr, rdpmend::cli::detect_terminal(), interrupt.token());
}
