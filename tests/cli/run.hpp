// Runs the program in this process and keeps what it wrote.
#pragma once

#include <initializer_list>
#include <sstream>
#include <stop_token>
#include <string>
#include <vector>

#include "cli/cli.hpp"

namespace rdpmend::cli {

struct Ran {
  int exit = -1;
  std::string out;
  std::string err;
};

inline Ran run(const std::vector<std::string>& arguments, Terminal terminal = {}, std::stop_token stop = {}) {
  std::vector<const char*> argv{"rdpmend"};
  for (const auto& argument : arguments) argv.push_back(argument.c_str());
  std::ostringstream out;
  std::ostringstream err;
  const int exit = run_cli(static_cast<int>(argv.size()), argv.data(), out, err, terminal, std::move(stop));
  return {exit, out.str(), err.str()};
}

}  // namespace rdpmend::cli
