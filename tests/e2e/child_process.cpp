// fork and exec rather than posix_spawn: only so can the child be told to die with a test that is killed.
#include "tests/e2e/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <stdexcept>

namespace rdpmend::testing_support {
namespace {

struct Pipe {
  Pipe() {
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  }
  std::array<int, 2> ends{};
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> all;
  all.reserve(texts.size() + 1);
  for (const std::string& text : texts) all.push_back(const_cast<char*>(text.c_str()));
  all.push_back(nullptr);
  return all;
}

std::vector<std::string> environment_with(const std::vector<std::string>& more) {
  std::vector<std::string> all;
  for (char** variable = environ; *variable != nullptr; ++variable) all.emplace_back(*variable);
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& argv, const std::vector<std::string>& environment) {
  const auto arguments = pointers(argv);
  const auto variables_text = environment_with(environment);
  const auto variables = pointers(variables_text);
  Pipe output;
  Pipe error;
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("no process");
  if (pid_ == 0) {  // Only async-signal-safe calls from here on.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int null = ::open("/dev/null", O_RDONLY);
    ::dup2(null, STDIN_FILENO);
    ::dup2(output.ends[1], STDOUT_FILENO);
    ::dup2(error.ends[1], STDERR_FILENO);
    ::execvpe(arguments[0], arguments.data(), variables.data());
    ::_exit(127);
  }
  ::close(output.ends[1]);
  ::close(error.ends[1]);
  pid_fd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  reader_ = std::thread{[this, out = output.ends[0], err = error.ends[0]] { read_outputs(out, err); }};
}

ChildProcess::~ChildProcess() {
  if (!exit_code_) {
    send_signal(SIGKILL);
    wait(std::chrono::seconds{30});
  }
  reader_.join();
  ::close(pid_fd_);
}

void ChildProcess::send_signal(int number) {
  if (!exit_code_) ::kill(pid_, number);
}

std::optional<int> ChildProcess::wait(std::chrono::milliseconds deadline) {
  if (exit_code_) return exit_code_;
  pollfd ended{pid_fd_, POLLIN, 0};
  if (::poll(&ended, 1, static_cast<int>(deadline.count())) <= 0) return std::nullopt;
  int status = 0;
  if (::waitpid(pid_, &status, 0) != pid_) return std::nullopt;
  exit_code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  // What it wrote last may still be in the pipes.
  std::unique_lock lock{mutex_};
  changed_.wait_for(lock, std::chrono::seconds{10}, [this] { return open_outputs_ == 0; });
  return exit_code_;
}

std::optional<std::string> ChildProcess::wait_for_line(const std::function<bool(const std::string&)>& wanted,
                                                       std::chrono::milliseconds deadline) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  std::size_t begin = 0;
  std::unique_lock lock{mutex_};
  while (true) {
    for (auto end = output_.find('\n', begin); end != std::string::npos; end = output_.find('\n', begin)) {
      std::string line = output_.substr(begin, end - begin);
      if (wanted(line)) return line;
      begin = end + 1;
    }
    if (open_outputs_ == 0) return std::nullopt;
    if (changed_.wait_until(lock, until) == std::cv_status::timeout) return std::nullopt;
  }
}

std::string ChildProcess::standard_output() const {
  const std::lock_guard lock{mutex_};
  return output_;
}

std::string ChildProcess::standard_error() const {
  const std::lock_guard lock{mutex_};
  return error_;
}

void ChildProcess::read_outputs(int output, int error) {
  std::array<pollfd, 2> sources{pollfd{output, POLLIN, 0}, pollfd{error, POLLIN, 0}};
  std::array<char, 4096> buffer{};
  while (sources[0].fd >= 0 || sources[1].fd >= 0) {
    if (::poll(sources.data(), sources.size(), -1) < 0) continue;
    for (auto& source : sources) {
      if (source.revents == 0) continue;
      const auto size = ::read(source.fd, buffer.data(), buffer.size());
      const bool is_output = &source == sources.data();
      const std::lock_guard lock{mutex_};
      if (size > 0) {
        (is_output ? output_ : error_).append(buffer.data(), static_cast<std::size_t>(size));
      } else {
        ::close(source.fd);
        source.fd = -1;
        --open_outputs_;
      }
      changed_.notify_all();
    }
  }
}

Finished run(const std::vector<std::string>& argv, std::chrono::milliseconds deadline,
             const std::vector<std::string>& environment) {
  Finished finished;
  ChildProcess child{argv, environment};
  if (const auto code = child.wait(deadline)) {
    finished.exit_code = *code;
  } else {
    child.send_signal(SIGKILL);
    child.wait(std::chrono::seconds{30});
  }
  finished.standard_output = child.standard_output();
  finished.standard_error = child.standard_error();
  return finished;
}

}  // namespace rdpmend::testing_support
