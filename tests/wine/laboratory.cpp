#include "tests/wine/laboratory.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/paths.hpp"

namespace rdpmend::wine {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

// RFC 5737, TEST-NET-2: the host's own address, which no firewall filters for the host itself.
constexpr char k_own[] = "198.51.100.1";
// What the plain client of tests/e2e sees of it, from outside.
constexpr char k_outside[] = "127.0.0.2";

fs::path windows_programs() {
  const char* given = std::getenv("RDPMEND_WINDOWS_BIN");
  return given ? fs::path(given) : fs::path(RDPMEND_WINDOWS_BIN);
}

bool runs(const std::vector<std::string>& argv) {
  return testing_support::run(argv, 30s).exit_code == 0;
}

void write_text(const fs::path& file, const std::string& text) {
  std::ofstream(file) << text;
}

// In a namespace nothing that listens can be reached from elsewhere, ports are free, and the addresses are known.
bool enter_own_network() {
  static const bool entered = [] {
    const auto user = ::getuid(), group = ::getgid();
    if (::unshare(user == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
    if (user != 0) {
      write_text("/proc/self/setgroups", "deny");
      write_text("/proc/self/uid_map", "0 " + std::to_string(user) + " 1");
      write_text("/proc/self/gid_map", "0 " + std::to_string(group) + " 1");
    }
    if (!runs({"ip", "link", "set", "lo", "up"})) return false;
    // Whichever kind this kernel has.
    if (!runs({"ip", "link", "add", "outside", "type", "dummy"}) &&
        !(runs({"ip", "link", "add", "outside", "type", "veth", "peer", "name", "beyond"}) &&
          runs({"ip", "link", "set", "beyond", "up"})))
      return false;
    return runs({"ip", "address", "add", std::string(k_own) + "/24", "dev", "outside"}) &&
           runs({"ip", "link", "set", "outside", "up"});
  }();
  return entered;
}

template <class Done>
bool wait_until(std::chrono::seconds within, Done done) {
  const auto until = std::chrono::steady_clock::now() + within;
  while (!done()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(100ms);
  }
  return true;
}

}  // namespace

std::optional<std::string> Laboratory::missing() {
  for (const char* program : {"wine", "wineserver", "ip"}) {
    if (!runs({"sh", "-c", std::string("command -v ") + program})) return std::string(program) + " is not installed";
  }
  for (const char* program : {"rdpmendd.exe", "laboratory/lab.exe", "laboratory/term_service.exe"}) {
    const auto file = windows_programs() / program;
    if (!fs::exists(file)) return "there is no " + file.string() + ": build the preset windows-release";
  }
  if (!fs::exists(test::binary_dir() + "/bin/rdpmend")) return "the native rdpmend is not built";
  if (!enter_own_network()) return "this process may not have a network of its own (unshare, ip)";
  return std::nullopt;
}

// Says what time it is, as often as asked: https://www.rfc-editor.org/rfc/rfc4330
class Laboratory::TimeServer {
 public:
  static constexpr char k_address[] = "127.0.0.3";

  TimeServer() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(123);
    ::inet_pton(AF_INET, k_address, &address.sin_addr);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0) << "no time server";
    thread_ = std::jthread([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) answer();
    });
  }
  ~TimeServer() {
    thread_.request_stop();
    thread_.join();
    ::close(socket_);
  }
  TimeServer(const TimeServer&) = delete;
  TimeServer& operator=(const TimeServer&) = delete;

 private:
  void answer() const {
    constexpr int k_look_up_every_ms = 100;
    pollfd waiting{socket_, POLLIN, 0};
    if (::poll(&waiting, 1, k_look_up_every_ms) != 1) return;
    std::array<unsigned char, 48> packet{};
    sockaddr_in client{};
    socklen_t size = sizeof client;
    if (::recvfrom(socket_, packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&client), &size) != 48) return;
    std::copy_n(packet.begin() + 40, 8, packet.begin() + 24);
    packet[0] = 0x24;  // Version 4, server.
    packet[1] = 2;     // Stratum.
    constexpr std::uint64_t k_1900_to_1970 = 2'208'988'800;
    const auto now = static_cast<std::uint64_t>(::time(nullptr)) + k_1900_to_1970;
    for (const std::size_t at : {32U, 40U}) {
      for (std::size_t i = 0; i < 4; ++i) packet[at + i] = static_cast<unsigned char>(now >> (24 - 8 * i));
    }
    ::sendto(socket_, packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&client), size);
  }

  const int socket_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  std::jthread thread_;
};

Laboratory::Laboratory(std::uint32_t build) : time_server_(std::make_unique<TimeServer>()) {
  folder_ = fs::path(testing::TempDir()) / ("rdpmend_laboratory_" + std::to_string(::getpid()));
  fs::remove_all(folder_);
  fs::create_directories(folder_);
  environment_ = {"WINEPREFIX=" + (folder_ / "prefix").string(),          "WINEARCH=win64", "WINEDEBUG=-all",
                  "WINEDLLOVERRIDES=mscoree,mshtml,winemenubuilder.exe=", "LANG=C.UTF-8",   "DISPLAY="};
  EXPECT_EQ(wine({"wineboot", "-i"}).exit_code, 0);
  // Wine ends its services with the last program, and starts them with the next: not while they are going.
  testing_support::run({"wineserver", "-w"}, k_patience, environment_);
  fs::create_directories(c_drive() / "laboratory");
  for (const auto& file : fs::directory_iterator(windows_programs() / "laboratory")) {
    if (file.path().extension() == ".exe" || file.path().extension() == ".dll")
      fs::copy_file(file.path(), c_drive() / "laboratory" / file.path().filename());
  }
  running_ = std::make_unique<ChildProcess>(
      wine_command({R"(C:\laboratory\lab.exe)", "run", "build=" + std::to_string(build), std::string("own=") + k_own,
                    std::string("outside=") + k_outside, std::string("time=") + TimeServer::k_address}),
      environment_);
  const auto up = running_->wait_for_line([](const auto& line) { return line.starts_with("running"); }, k_patience);
  EXPECT_TRUE(up) << running_->standard_output() << running_->standard_error();
}

Laboratory::~Laboratory() {
  wine({R"(C:\laboratory\lab.exe)", "release"});
  running_->wait(10s);
  testing_support::run({"wineserver", "-k"}, 30s, environment_);
  testing_support::run({"wineserver", "-w"}, 30s, environment_);
  std::error_code ignored;
  if (!testing::Test::HasFailure()) fs::remove_all(folder_, ignored);
}

std::vector<std::string> Laboratory::wine_command(const std::vector<std::string>& arguments) const {
  std::vector<std::string> argv{"wine"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return argv;
}

Finished Laboratory::wine(const std::vector<std::string>& arguments, std::chrono::milliseconds deadline) const {
  return testing_support::run(wine_command(arguments), deadline, environment_);
}

std::string Laboratory::lab(const std::vector<std::string>& arguments) const {
  std::vector<std::string> all{R"(C:\laboratory\lab.exe)"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  const Finished done = wine(all);
  EXPECT_EQ(done.exit_code, 0) << arguments.front() << ": " << done.standard_error;
  return done.standard_output;
}

void Laboratory::install_service() const {
  const auto folder = c_drive() / "Program Files" / "rdpmend";
  fs::create_directories(folder);
  for (const char* file : {"rdpmendd.exe", "rdpmend-messages.dll"})
    fs::copy_file(windows_programs() / file, folder / file, fs::copy_options::overwrite_existing);
  const Finished done = wine({R"(C:\Program Files\rdpmend\rdpmendd.exe)", "install"});
  EXPECT_EQ(done.exit_code, 0) << done.standard_output << done.standard_error;
}

std::optional<fs::path> Laboratory::build_package(const fs::path& folder, const std::string& version,
                                                  const std::string& sign) {
  const Finished built = testing_support::run(
      {test::source_dir() + "/packaging/msi/build.sh", windows_programs().string(), folder.string(), version},
      k_patience, {"RDPMEND_SIGN=" + sign});
  const auto package = folder / ("rdpmend-" + version + "-x64.msi");
  return built.exit_code == 0 && fs::exists(package) ? std::optional(package) : std::nullopt;
}

Finished Laboratory::msiexec(const std::string& action, const fs::path& package) const {
  fs::copy_file(package, c_drive() / package.filename(), fs::copy_options::overwrite_existing);
  // Into a file: processes that msiexec leaves behind would keep a pipe open.
  return testing_support::run({"sh", "-c", R"(exec wine msiexec "$0" "$1" /qn /L*v 'C:\msi.log' >"$2" 2>&1)", action,
                               "C:\\" + package.filename().string(), (folder_ / "msiexec.log").string()},
                              k_patience, environment_);
}

std::string Laboratory::service_state() const {
  return wine({R"(C:\laboratory\lab.exe)", "service", "rdpmend"}).standard_output;
}

bool Laboratory::start_service() const {
  lab({"start-service", "rdpmend"});
  return wait_until_up();
}

bool Laboratory::wait_until_running() const {
  return wait_until(k_patience, [this] { return service_state().starts_with("running"); });
}

bool Laboratory::wait_until_up() const {
  return wait_until_running() && wait_until(k_patience, [this] { return answers(); });
}

bool Laboratory::stop_service(std::chrono::seconds within) const {
  lab({"stop-service", "rdpmend"});
  return wait_until(within, [this] { return service_state().starts_with("stopped"); });
}

void Laboratory::kill_service() const {
  // The prefix's own: other prefixes may have one too.
  for (const auto& process : fs::directory_iterator("/proc")) {
    std::ifstream file(process.path() / "cmdline"), variables(process.path() / "environ");
    std::stringstream command, environment;
    command << file.rdbuf();
    environment << variables.rdbuf();
    const bool ours = command.str().find("rdpmendd.exe") != std::string::npos &&
                      command.str().find("service") != std::string::npos &&
                      environment.str().find(environment_.front()) != std::string::npos;
    if (ours) ::kill(std::stoi(process.path().filename().string()), SIGKILL);
  }
}

std::vector<std::string> Laboratory::cli_command(const std::vector<std::string>& arguments) const {
  const auto profile = c_drive() / "ProgramData" / "rdpmend" / "pki" / "admin" / "client.textproto";
  std::vector<std::string> argv{test::binary_dir() + "/bin/rdpmend", "--profile", profile.string(), "--timeout", "30"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return argv;
}

Finished Laboratory::cli(const std::vector<std::string>& arguments) const {
  return testing_support::run(cli_command(arguments), k_patience);
}

std::vector<v1::JournalEntry> Laboratory::journal() const {
  const Finished answer = cli({"journal", "--after", "0", "--limit", "0", "--format", "json"});
  EXPECT_EQ(answer.exit_code, 0) << answer.standard_error;
  std::vector<v1::JournalEntry> entries;
  std::istringstream lines{answer.standard_output};
  for (std::string line; std::getline(lines, line);) {
    v1::JournalEntry entry;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(line, &entry).ok()) << line;
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace rdpmend::wine
