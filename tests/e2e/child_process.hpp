// A program started by a test: what it prints as it prints it, every wait with a deadline, and its end guaranteed.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace rdpmend::testing_support {

class ChildProcess {
 public:
  // argv[0] is a path, or a name looked up in PATH. Variables "NAME=VALUE" are added to the environment.
  explicit ChildProcess(const std::vector<std::string>& argv, const std::vector<std::string>& environment = {});
  ~ChildProcess();  // Kills it if it still runs.
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  void send_signal(int number);
  // The exit code, or 128 + the signal that ended it; nullopt: it still runs at the deadline.
  std::optional<int> wait(std::chrono::milliseconds deadline);
  // Waits until a line of standard output satisfies it; nullopt: there was none by the deadline or the program's end.
  std::optional<std::string> wait_for_line(const std::function<bool(const std::string&)>& wanted,
                                           std::chrono::milliseconds deadline);
  // So far.
  std::string standard_output() const;
  std::string standard_error() const;

 private:
  void read_outputs(int output, int error);

  pid_t pid_ = -1;
  int pid_fd_ = -1;
  std::optional<int> exit_code_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string output_;
  std::string error_;
  int open_outputs_ = 2;
  std::thread reader_;
};

struct Finished {
  int exit_code = -1;  // -1: it did not end in time and was killed.
  std::string standard_output;
  std::string standard_error;
};
Finished run(const std::vector<std::string>& argv, std::chrono::milliseconds deadline,
             const std::vector<std::string>& environment = {});

}  // namespace rdpmend::testing_support
