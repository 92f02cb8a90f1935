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

inline int run_into(std::ostream& out, std::ostream& err, const std::vector<std::string>& arguments,
                    Terminal terminal = {}, std::stop_token stop = {}) {
  std::vector<const char*> argv{"rdpmend"};
  for (const auto& argument : arguments) argv.push_back(argument.c_str());
  return run_cli(static_cast<int>(argv.size()), argv.data(), out, err, terminal, std::move(stop));
}

inline Ran run(const std::vector<std::string>& arguments, Terminal terminal = {}, std::stop_token stop = {}) {
  std::ostringstream out;
  std::ostringstream err;
  const int exit = run_into(out, err, arguments, terminal, std::move(stop));
  return {exit, out.str(), err.str()};
}

// As /dev/full: takes everything, and says that nothing was written only when it is flushed.
class FullDisk : public std::streambuf {
  int_type overflow(int_type c) override { return traits_type::not_eof(c); }
  std::streamsize xsputn(const char*, std::streamsize count) override { return count; }
  int sync() override { return -1; }
};

inline Ran run_on_full_disk(const std::vector<std::string>& arguments) {
  FullDisk disk;
  std::ostream out(&disk);
  std::ostringstream err;
  const int exit = run_into(out, err, arguments);
  return {exit, "", err.str()};
}

}  // namespace rdpmend::cli
