#include "tests/interop/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <system_error>
#include <thread>

namespace rdpmend::test {

using namespace std::chrono_literals;

namespace {

constexpr auto k_grace = 3s;

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// Between fork and exec: only calls that are safe there.
[[noreturn]] void become(char* const* arguments, char* const* environment, int output, pid_t parent) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(126);  // The parent died before prctl.
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  execve(arguments[0], arguments, environment);
  _exit(127);
}

}  // namespace

std::filesystem::path find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders{std::string{path == nullptr ? "" : path} + ":/usr/sbin:/usr/bin"};
  for (std::string folder; std::getline(folders, folder, ':');) {
    const auto candidate = std::filesystem::path{folder} / name;
    if (!folder.empty() && access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return {};
}

TemporaryFolder::TemporaryFolder() {
  auto pattern = (std::filesystem::temp_directory_path() / "rdpmend-interop-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::system_error{errno, std::generic_category(), "mkdtemp"};
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path TemporaryFolder::write(const std::string& name, const std::string& text) const {
  const auto file = path_ / name;
  std::ofstream{file, std::ios::binary} << text;
  return file;
}

Process::Process(const Command& command) {
  std::vector<std::string> arguments{command.program};
  arguments.insert(arguments.end(), command.arguments.begin(), command.arguments.end());
  // The first of two equal names counts, so ours come before the inherited ones.
  auto environment = command.environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  const auto argument_pointers = pointers(arguments);
  const auto environment_pointers = pointers(environment);

  const int output = open(command.output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (output < 0) throw std::system_error{errno, std::generic_category(), command.output};
  const pid_t parent = getpid();
  pid_ = fork();
  const int fork_error = errno;
  if (pid_ == 0) become(argument_pointers.data(), environment_pointers.data(), output, parent);
  close(output);
  if (pid_ < 0) throw std::system_error{fork_error, std::generic_category(), "fork"};
  setpgid(pid_, pid_);  // In both, so that the group is there whoever comes first.
}

bool Process::running() {
  if (pid_ > 0 && waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
  return pid_ > 0;
}

Process::~Process() {
  if (!running()) return;
  const pid_t group = pid_;
  kill(-group, SIGTERM);
  const auto deadline = std::chrono::steady_clock::now() + k_grace;
  while (running() && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(10ms);
  kill(-group, SIGKILL);  // Whatever of the group is left; its leader may already be reaped.
  if (pid_ > 0) waitpid(pid_, nullptr, 0);
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace rdpmend::test
