// A program that runs as long as its object lives, however the test ends.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace rdpmend::test {

// Empty: it is not installed.
std::filesystem::path find_program(const std::string& name);

// A new folder, removed with all that is in it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path write(const std::string& name, const std::string& text) const;

 private:
  std::filesystem::path path_;
};

struct Command {
  std::filesystem::path program;
  std::vector<std::string> arguments;
  std::vector<std::string> environment;  // NAME=VALUE, added to ours.
  std::filesystem::path output;          // Where stdout and stderr go.
};

// A leader of its own process group, so that what it forks ends with it. Throws std::system_error if it cannot fork.
class Process {
 public:
  explicit Process(const Command& command);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  bool running();

 private:
  pid_t pid_ = -1;  // -1: reaped.
};

std::string read_file(const std::filesystem::path& path);

}  // namespace rdpmend::test
