// rdpmend: the program. Everything but the process around it is in run_cli().
#include <iostream>

#include "cli/cli.hpp"
#include "cli/interrupt.hpp"
#include "cli/terminal.hpp"

int main(int argc, char** argv) {
  const rdpmend::cli::Interrupt interrupt;
  return rdpmend::cli::run_cli(argc, argv, std::cout, std::cerr, rdpmend::cli::detect_terminal(), interrupt.token());
}
