// rdpmend: the program. Everything but the process around it is in run_cli().
#include <openssl/crypto.h>

#include <iostream>
#include <vector>

#include "agent-lib/support/arguments.hpp"
#include "cli/cli.hpp"
#include "cli/format/terminal.hpp"
#include "cli/session/interrupt.hpp"

int main(int argc, char** argv) {
  // As the service does, and why: service/main.cpp.
  OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  const rdpmend::cli::Interrupt interrupt;
  const auto arguments = rdpmend::utf8_arguments(argc, argv);
  std::vector<const char*> words{"rdpmend"};
  for (const auto& argument : arguments) words.push_back(argument.c_str());
  return rdpmend::cli::run_cli(static_cast<int>(words.size()), words.data(), std::cout, std::cerr,
                               rdpmend::cli::detect_terminal(), interrupt.token());
}
