// rdpmend: the program. Everything but the process around it is in run_cli().
#include <openssl/crypto.h>

#include <iostream>

#include "cli/arguments.hpp"
#include "cli/cli.hpp"
#include "cli/interrupt.hpp"
#include "cli/terminal.hpp"

int main(int argc, char** argv) {
  // As the service does, and why: service/main.cpp.
  OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  const rdpmend::cli::Interrupt interrupt;
  auto arguments = rdpmend::cli::utf8_arguments(argc, argv);
  std::vector<char*> words;
  for (auto& argument : arguments) words.push_back(argument.data());
  return rdpmend::cli::run_cli(static_cast<int>(words.size()), words.data(), std::cout, std::cerr,
                               rdpmend::cli::detect_terminal(), interrupt.token());
}
